//! `larder:fs/locks` and `larder:fs/changes`.

use larder_engine::locks;

use crate::answer::{code, done, result};
use crate::app::App;
use crate::host;
use crate::trap;

#[unsafe(export_name = "larder:fs/locks#try-lock")]
extern "C" fn try_lock(context: u32, path: u32, length: u32, kind: u32, ret: u32) {
    let app = App::enter(context);
    // The cases of `kind`, in order.
    let is_shared = match kind {
        0 => true,
        1 => false,
        _ => trap(),
    };
    let lock = app.lent(path, length).with_path(|path| locks::try_lock(host::now, path, is_shared));
    result::<24, (u64, u64)>(app, ret, 8, lock.map_err(code), |answer, (id, token)| answer.u64(8, id).u64(16, token));
}

#[unsafe(export_name = "larder:fs/locks#unlock")]
extern "C" fn unlock(context: u32, id: u64, ret: u32) {
    let app = App::enter(context);
    done(app, ret, locks::unlock(id).map_err(code));
}

#[unsafe(export_name = "larder:fs/changes#version")]
extern "C" fn version(context: u32, path: u32, length: u32, ret: u32) {
    let app = App::enter(context);
    let version = app.lent(path, length).with_path(|path| locks::version(host::now, path));
    result::<16, u64>(app, ret, 8, version.map_err(code), |answer, version| answer.u64(8, version));
}
