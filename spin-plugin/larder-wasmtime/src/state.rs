//! A ready-made type for a store's data.

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::context::{LarderCtx, LarderCtxView, LarderView};

/// The data of a store for embedders whose guests need WASI and nothing else.
/// Others put the same three parts into a type of their own.
pub struct State {
    /// Everything of WASI but the filesystem: arguments, standard streams,
    /// clocks, sockets.
    pub wasi: WasiCtx,
    /// The filesystem.
    pub larder: LarderCtx,
    /// What the guest has open.
    pub table: ResourceTable,
}

impl State {
    /// The state of a guest that has not run yet.
    #[must_use]
    pub fn new(wasi: WasiCtx, larder: LarderCtx) -> Self {
        Self { wasi, larder, table: ResourceTable::new() }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl LarderView for State {
    fn larder(&mut self) -> LarderCtxView<'_> {
        LarderCtxView { ctx: &mut self.larder, table: &mut self.table }
    }
}
