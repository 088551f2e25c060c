//! What a volume in a bucket may hold, unless it is configured.

use larder_core::Limits;

/// Inodes, and entries of one directory: 16 Mi. Guards the host's memory, in
/// which all names are.
const INODES: u64 = 1 << 24;

/// The limits of a volume in a bucket, unless others are configured: contents
/// take the bucket's room and not the host's, so that bytes are not limited.
#[must_use]
pub fn usual_limits() -> Limits {
    Limits { bytes: u64::MAX, inodes: INODES, directory_entries: INODES, ..Limits::default() }
}
