//! `wasi:io/poll`. A pollable of ours is always ready, since a file is.

use larder_engine::limits::MAX_POLLED;
use larder_engine::slots::is_ours;

use crate::answer::Answer;
use crate::app::{App, length};
use crate::resources::{self, Kind};
use crate::{host, trap};

#[unsafe(export_name = "wasi:io/poll#[method]pollable.ready")]
extern "C" fn ready(context: u32, pollable: u32) -> u32 {
    App::enter(context);
    resources::check_pollable(pollable);
    1
}

#[unsafe(export_name = "wasi:io/poll#[method]pollable.block")]
extern "C" fn block(context: u32, pollable: u32) {
    App::enter(context);
    resources::check_pollable(pollable);
}

#[unsafe(export_name = "wasi:io/poll#[resource-drop]pollable")]
extern "C" fn drop_pollable(context: u32, pollable: u32) {
    App::enter(context);
    resources::end(pollable, Kind::Pollable);
}

/// Returns 0, having done nothing, where none of the pollables is ours.
/// Otherwise nobody waits: the answer is which are ready, [`MAX_POLLED`] at
/// most.
#[unsafe(export_name = "wasi:io/poll#poll")]
extern "C" fn poll(context: u32, list: u32, count: u32, ret: u32) -> u32 {
    let app = App::enter(context);
    let mut any_ours = false;
    each(app, list, count, |_, handle| {
        any_ours |= is_ours(handle);
        !any_ours
    });
    if !any_ours {
        return 0;
    }
    let mut ready = [0; MAX_POLLED * 4];
    let mut found = ready.chunks_exact_mut(4);
    let mut bytes = 0;
    each(app, list, count, |index, handle| {
        let is_ready = if is_ours(handle) {
            resources::check_pollable(handle);
            true
        } else {
            host::pollable_ready(handle)
        };
        if !is_ready {
            return true;
        }
        let Some(place) = found.next() else { return false };
        place.copy_from_slice(&index.to_le_bytes());
        bytes += 4;
        true
    });
    let address = app.allocate(4, bytes);
    app.put(address, ready.get(..bytes).unwrap_or_default());
    Answer::<8>::new().list(0, (address, length(bytes / 4))).put(app, ret);
    1
}

/// Calls with each index and handle of the list, until `visit` is `false`.
fn each(app: App, list: u32, count: u32, mut visit: impl FnMut(u32, u32) -> bool) {
    /// Handles that are copied at a time.
    const BATCH: u32 = 64;
    let mut batch = [0; BATCH as usize * 4];
    let mut first = 0;
    while first < count {
        let some = (count - first).min(BATCH);
        let Some(bytes) = batch.get_mut(..some as usize * 4) else { trap() };
        let Some(address) = first.checked_mul(4).and_then(|offset| list.checked_add(offset)) else { trap() };
        app.get(address, bytes);
        for (index, handle) in (first..).zip(bytes.as_chunks::<4>().0) {
            if !visit(index, u32::from_le_bytes(*handle)) {
                return;
            }
        }
        first += some;
    }
}
