//! Volumes as the command line names them: addresses, mounts, limits, loading,
//! locking and saving.
//!
//! A new kind of address (a bucket, a server) is one more variant of
//! [`VolumeAddress`] and one more arm in [`AttachedVolume::open`].

mod address;
mod attached;
mod file_store;
mod limits;
mod lock;
mod mount_argument;
mod mounts;
mod set;

pub(crate) use address::{VolumeAddress, VolumePath, looks_like_volume_path};
pub(crate) use attached::{AttachedVolume, OpenRequest, SaveMode};
pub(crate) use limits::{LimitChanges, Size, unlimited};
pub(crate) use mount_argument::{CopyArgument, MountArgument, check_guest_path};
pub(crate) use mounts::MountTable;
pub(crate) use set::VolumeSet;

/// Tells this life of a volume from all others: inodes that are made now are
/// not taken for those of an earlier run that had the same numbers.
fn generation() -> u64 {
    let now = larder_transfer::now();
    let seconds = u64::try_from(now.seconds).unwrap_or_default();
    seconds.wrapping_mul(1_000_000_000).wrapping_add(u64::from(now.nanoseconds))
}
