//! Volumes as the command line names them: addresses, mounts, and the volumes
//! that this process has. Loading, locking and saving is larder-volume-file's,
//! and keeping a bucket in step larder-s3's.
//!
//! A new kind of address whose volume is in this process is one more variant of
//! [`VolumeAddress`] and one more arm in [`AttachedVolume::open`]; volumes that
//! are asked call by call are [`RemoteVolume`]s, and for the file commands one more
//! arm in `ReachArguments::reach` of the command line.

mod address;
mod attached;
mod mount_argument;
mod mounts;
mod remote;
mod set;

pub(crate) use address::{VolumeAddress, VolumePath, has_path, looks_like_volume_path};
pub(crate) use attached::{AttachedVolume, OpenRequest, SaveMode};
pub(crate) use larder_volume_file::{LimitChanges, Size};
pub(crate) use mount_argument::{CopyArgument, MountArgument, check_guest_path};
pub(crate) use mounts::MountTable;
pub(crate) use remote::RemoteVolume;
pub(crate) use set::{VolumeSet, usual_limits};
