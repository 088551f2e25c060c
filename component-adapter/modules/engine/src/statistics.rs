//! What volumes hold, by the guest's paths.

use larder_core::{Usage, Volume, path_below};

use crate::{Clock, start};

/// The volume that is mounted at or above an absolute path. What volumes hold
/// that are elsewhere is not known here.
fn volume(clock: Clock, path: &str) -> Option<&'static Volume> {
    if cfg!(feature = "forward") {
        return None;
    }
    let mounts = start::mounts(clock).ok()?.iter();
    let found =
        mounts.filter(|mount| path_below(&mount.guest_path, path).is_some()).max_by_key(|mount| mount.guest_path.len());
    found.map(|mount| &**mount.view.volume())
}

/// Bytes, inodes and open handles: what the volume holds, and its limits.
pub type Charges = [u64; 6];

fn charges(volume: &Volume, usage: Usage) -> Charges {
    let limits = volume.limits();
    [usage.bytes, usage.inodes, usage.open_handles, limits.bytes, limits.inodes, limits.open_handles]
}

/// The charges as they are kept; `None` where nothing is mounted.
#[must_use]
pub fn usage(clock: Clock, path: &str) -> Option<Charges> {
    volume(clock, path).map(|volume| charges(volume, volume.usage()))
}

/// The charges counted anew.
#[must_use]
pub fn recount(clock: Clock, path: &str) -> Option<Charges> {
    volume(clock, path).map(|volume| charges(volume, volume.recount()))
}
