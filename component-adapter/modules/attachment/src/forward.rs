//! What the forwarding variant adds: the end of the app's turns.

use larder_engine::backend;

use crate::app::App;
use crate::host;

/// Called when the app comes back from one of its exports, and before it
/// exits: what it has written goes to the store.
#[unsafe(export_name = "larder#settle")]
extern "C" fn settle(context: u32) {
    App::enter(context);
    backend::settle();
}

/// Before the first file: writes may wait if [`settle`] is called.
pub(crate) fn prepare() {
    if host::settles() {
        backend::allow_write_behind();
    }
}
