//! Flags and small numbers of the interface.

use larder_core::{FileType, Timestamp};

/// `fdflags`.
pub(crate) const APPEND: u32 = 1;
pub(crate) const DSYNC: u32 = 1 << 1;
pub(crate) const NONBLOCK: u32 = 1 << 2;
pub(crate) const RSYNC: u32 = 1 << 3;
pub(crate) const SYNC: u32 = 1 << 4;

/// `filetype`.
pub(crate) const UNKNOWN: u8 = 0;
pub(crate) const CHARACTER_DEVICE: u8 = 2;

/// `filetype` of an inode.
pub(crate) fn file_type(file_type: FileType) -> u8 {
    match file_type {
        FileType::Directory => 3,
        FileType::RegularFile => 4,
        FileType::SymbolicLink => 7,
    }
}

/// `rights`.
const FD_DATASYNC: u64 = 1;
pub(crate) const FD_READ: u64 = 1 << 1;
const FD_SEEK: u64 = 1 << 2;
const FD_TELL: u64 = 1 << 5;
pub(crate) const FD_WRITE: u64 = 1 << 6;
const FD_ALLOCATE: u64 = 1 << 8;
pub(crate) const FD_READDIR: u64 = 1 << 14;
const FD_FILESTAT_SET_SIZE: u64 = 1 << 22;
const PATH_FILESTAT_SET_SIZE: u64 = 1 << 19;
/// The rights up to `path_unlink_file` and `poll_fd_readwrite`, without those
/// of sockets.
pub(crate) const ALL_RIGHTS: u64 = (1 << 28) - 1;
/// What means something for a file only.
pub(crate) const FILE_RIGHTS: u64 =
    FD_DATASYNC | FD_READ | FD_SEEK | FD_TELL | FD_WRITE | FD_ALLOCATE | FD_FILESTAT_SET_SIZE | PATH_FILESTAT_SET_SIZE;

/// WASI 0.1 counts nanoseconds since 1970 without a sign: what is outside
/// becomes the nearest that is inside.
pub(crate) fn nanoseconds(time: Timestamp) -> u64 {
    match u64::try_from(time.seconds) {
        Ok(seconds) => seconds
            .checked_mul(u64::from(Timestamp::NANOSECONDS))
            .and_then(|nanoseconds| nanoseconds.checked_add(u64::from(time.nanoseconds)))
            .unwrap_or(u64::MAX),
        Err(_) => 0,
    }
}

/// The length of something that is, or fits, in a 32-bit memory.
pub(crate) fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}
