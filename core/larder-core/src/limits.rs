//! What a volume may hold at most. Charging and refunding is `ledger`'s.

/// Bounds of a volume. They guard the host: no guest can make a volume hold
/// more than these, whatever it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of content, symlink targets and directory entries together.
    /// Content is charged by pages of [`PAGE_BYTES`](crate::PAGE_BYTES),
    /// directory entries by [`ENTRY_BYTES`](crate::ENTRY_BYTES) and their
    /// name. Guards the host's memory. At the limit: `insufficient-space`.
    pub bytes: u64,
    /// Inodes, open but unlinked ones included. Guards the memory of inodes
    /// that have no content. At the limit: `insufficient-space`.
    pub inodes: u64,
    /// Length of one file in bytes, holes included. Guards callers that
    /// allocate by a file's length. Above: `file-too-large`.
    pub file_bytes: u64,
    /// Bytes in one name (POSIX `NAME_MAX`). Above: `name-too-long`.
    pub name_bytes: u32,
    /// Bytes in one path or symlink target (POSIX `PATH_MAX`). Guards the time
    /// of a path resolution. Above: `name-too-long`.
    pub path_bytes: u32,
    /// Entries in one directory. Guards the time of operations on a whole
    /// directory. At the limit: `quota`.
    pub directory_entries: u64,
    /// Open descriptors of the volume, all guests together. Guards the host's
    /// memory. At the limit: `quota`.
    pub open_handles: u64,
    /// Hard links of one file (POSIX `LINK_MAX`). At the limit:
    /// `too-many-links`.
    pub links: u64,
    /// Symbolic links followed in one path resolution (POSIX `SYMLOOP_MAX`).
    /// Above: `loop`.
    pub symlink_depth: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 1 << 30,
            inodes: 1 << 20,
            file_bytes: 1 << 40,
            name_bytes: 255,
            path_bytes: 4096,
            directory_entries: 1 << 20,
            open_handles: 1 << 16,
            links: 65_000,
            symlink_depth: 40,
        }
    }
}

/// What a volume holds now, counted as [`Limits`] counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes charged.
    pub bytes: u64,
    /// Inodes, the root and open but unlinked ones included.
    pub inodes: u64,
    /// Open descriptors.
    pub open_handles: u64,
}
