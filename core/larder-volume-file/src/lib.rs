//! Volumes in snapshot files: loading, locking and saving them, and the limits,
//! sizes and durations that people write for them.
//!
//! What does not live here: the format of the file (larder-image) and how it is
//! put in place of the former one (larder-transfer), and which volumes a
//! process has, which is the process's own business.
#![forbid(unsafe_code)]

mod autosave;
mod file_store;
mod limits;
mod lock;
mod units;

pub use autosave::Autosave;
pub use file_store::{FileAccess, FileStore, SaveOnSync, open};
pub use limits::{LimitChanges, Size, unlimited};
pub use units::{parse_duration, parse_size};

/// Tells this life of a volume from all others: inodes that are made now are
/// not taken for those of an earlier run that had the same numbers.
#[must_use]
pub fn generation() -> u64 {
    let now = larder_transfer::now();
    let seconds = u64::try_from(now.seconds).unwrap_or_default();
    seconds.wrapping_mul(1_000_000_000).wrapping_add(u64::from(now.nanoseconds))
}
