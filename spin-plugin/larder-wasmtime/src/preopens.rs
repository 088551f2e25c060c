//! `wasi:filesystem/preopens`, the same in 0.2 and 0.3.

use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;
use wasmtime::error::Context as _;

use crate::context::{LarderCtxView, LarderView};
use crate::descriptor::{self, Handle};

pub(crate) fn define<T: LarderView + 'static>(preopens: &mut LinkerInstance<'_, T>) -> wasmtime::Result<()> {
    preopens.func_wrap("get-directories", |mut store: StoreContextMut<'_, T>, (): ()| {
        let LarderCtxView { ctx, table } = store.data_mut().larder();
        let mut directories: Vec<(Handle, String)> = Vec::with_capacity(ctx.mounts.len());
        for mount in &mut ctx.mounts {
            let root = mount.open().with_context(|| format!("cannot open the volume at {}", mount.guest_path))?;
            directories.push((descriptor::push(table, root)?, mount.guest_path.clone()));
        }
        Ok((directories,))
    })
}
