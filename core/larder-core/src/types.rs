//! Plain values that every layer shares: identities, times, attributes.

/// A point in time: seconds and nanoseconds since 1970-01-01T00:00:00Z.
///
/// `nanoseconds` is below 1,000,000,000; earlier times have negative seconds
/// (as `wasi:clocks/system-clock.instant`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Whole seconds since the epoch.
    pub seconds: i64,
    /// Nanoseconds within the second, 0 to 999,999,999.
    pub nanoseconds: u32,
}

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self { seconds: 0, nanoseconds: 0 };

    /// Nanoseconds in a second.
    pub const NANOSECONDS: u32 = 1_000_000_000;

    /// A timestamp of whole seconds.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self { seconds, nanoseconds: 0 }
    }

    /// Whether `nanoseconds` is in range.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        self.nanoseconds < Self::NANOSECONDS
    }
}

/// The identity of an inode: its number and the generation that tells apart
/// two users of one number (as in NFS file handles).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    /// Inode number, from 1 (the root).
    pub ino: u64,
    /// The volume's generation when the inode was made.
    pub generation: u64,
}

/// The kinds of inodes that a volume holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileType {
    /// A regular file.
    RegularFile,
    /// A directory.
    Directory,
    /// A symbolic link.
    SymbolicLink,
}

/// What is known of an inode without reading its content (`stat`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// The inode.
    pub id: NodeId,
    /// Its kind.
    pub file_type: FileType,
    /// Hard links; a directory has 2 and one for each sub-directory. 0 once
    /// the last name is gone and only open descriptors remain.
    pub link_count: u64,
    /// Bytes: a file's length, a symlink's target length, a directory's
    /// charged bytes.
    pub size: u64,
    /// Bytes charged to the volume for this inode.
    pub allocated: u64,
    /// Permission bits (`0o7777`), kept for import and export, never enforced:
    /// WASI has no users.
    pub mode: u32,
    /// Last read, kept as `relatime` does.
    pub accessed: Timestamp,
    /// Last change of content.
    pub modified: Timestamp,
    /// Last change of content or attributes.
    pub changed: Timestamp,
    /// Counts mutations of this inode.
    pub version: u64,
}

/// A new value of a timestamp (`wasi:filesystem` `new-timestamp`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetTime {
    /// Leave it as it is.
    Keep,
    /// The time of the operation.
    Now,
    /// The given time.
    At(Timestamp),
}

/// What is not deterministic about a mutation and therefore travels with it.
///
/// Applying the same operations with the same contexts in the same order to
/// equal volumes gives equal volumes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The time of the operation.
    pub now: Timestamp,
    /// For operations that create an inode: its identity. `None` lets the
    /// volume choose; a replayed record names what was chosen. Records are
    /// replayed in order by one thread, while nobody else creates inodes.
    pub node: Option<NodeId>,
}

impl Context {
    /// A context at the given time, in which the volume chooses inode numbers.
    #[must_use]
    pub const fn at(now: Timestamp) -> Self {
        Self { now, node: None }
    }
}
