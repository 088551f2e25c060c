//! What the suite asks of a form: the operations of `wasi:filesystem`
//! descriptors, and a few hooks around them.

use larder_core::{DescriptorFlags, ErrorCode, FileType, Follow, Limits, OpenFlags, SetTime, Timestamp, Usage};

/// A result as a guest sees it.
pub type Result<T> = std::result::Result<T, ErrorCode>;

/// The directories that a guest of the suite is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mount {
    /// The whole volume, for reading and writing, at `/`.
    Main,
    /// The whole volume, for reading, at `/read-only`.
    ReadOnly,
    /// The directory `scope` of the volume, for reading and writing, at
    /// `/scoped`.
    Scoped,
    /// The same directory for reading, at `/scoped/read-only`.
    ScopedReadOnly,
    /// Another volume, for reading and writing, at `/other`.
    Other,
}

impl Mount {
    /// Every mount, in the order in which a guest gets them.
    pub const ALL: [Self; 5] = [Self::Main, Self::ReadOnly, Self::Scoped, Self::ScopedReadOnly, Self::Other];

    /// Where the guest sees it.
    #[must_use]
    pub const fn guest_path(self) -> &'static str {
        match self {
            Self::Main => "/",
            Self::ReadOnly => "/read-only",
            Self::Scoped => "/scoped",
            Self::ScopedReadOnly => "/scoped/read-only",
            Self::Other => "/other",
        }
    }
}

/// `descriptor-stat` without what no form can differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub file_type: FileType,
    /// Hard links.
    pub link_count: u64,
    /// Bytes.
    pub size: u64,
    /// The three timestamps.
    pub times: Times,
}

/// The three timestamps of an inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Last read.
    pub accessed: Timestamp,
    /// Last change of content.
    pub modified: Timestamp,
    /// Last change of anything.
    pub changed: Timestamp,
}

/// One entry of a listing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// Whether it is a directory or a symbolic link.
    pub file_type: EntryType,
}

/// [`FileType`] with an order, so that listings can be sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryType {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
}

impl From<FileType> for EntryType {
    fn from(file_type: FileType) -> Self {
        match file_type {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Directory,
            FileType::SymbolicLink => Self::Link,
        }
    }
}

/// One guest with its own granted directories ([`Mount`]).
///
/// Methods take `&self`: a guest that needs more keeps it behind a lock. Each
/// operation is that of the same name in `wasi:filesystem/types`.
#[allow(missing_docs, reason = "the operations are those of wasi:filesystem, by the same names")]
pub trait Form: Send + Sized {
    /// An open file or directory.
    type Descriptor;
    /// A listing under way.
    type Listing;

    /// Whether a guest can name times before 1970: WASI 0.2 counts seconds
    /// without a sign.
    const TIMES_BEFORE_1970: bool;
    /// Whether a failed write has written nothing. A form that writes through
    /// streams in several pieces may have written the first of them.
    const WRITES_WHOLE: bool = true;

    /// Whether [`set_now`](Self::set_now) sets the volumes' clock itself, so
    /// that a day can pass for them. A guest whose host has a clock of its own
    /// can only show other times than the volumes have.
    const DAYS_PASS: bool = true;

    /// Bytes of the longest path from the root that a file can have: POSIX's
    /// `PATH_MAX`, or what the backend can name.
    #[must_use]
    fn longest_path() -> usize {
        4096
    }

    /// A guest over two new volumes with these limits. The clock stands at
    /// [`START`](crate::START); the directory `scope` is there.
    fn start(limits: &Limits) -> Self;
    /// Another guest over the same volumes, for another thread. `None` where
    /// the form keeps a volume within one guest.
    fn another(&self) -> Option<Self>;
    /// Sets the clock that stamps changes, of all guests of these volumes.
    fn set_now(&self, now: Timestamp);
    /// What the first volume is charged.
    fn usage(&self) -> Usage;
    /// What it holds, counted anew.
    fn recount(&self) -> Usage;

    /// Where the guest finds a granted directory.
    fn mount_path(&self, mount: Mount) -> String {
        mount.guest_path().to_owned()
    }
    /// A descriptor of a granted directory, as from `get-directories`.
    fn root(&self, mount: Mount) -> Result<Self::Descriptor>;
    /// Drops a descriptor.
    fn close(&self, descriptor: Self::Descriptor);

    fn open_at(
        &self,
        at: &Self::Descriptor,
        follow: Follow,
        path: &str,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Result<Self::Descriptor>;
    fn get_flags(&self, of: &Self::Descriptor) -> Result<DescriptorFlags>;
    fn get_type(&self, of: &Self::Descriptor) -> Result<FileType>;
    /// Up to `length` bytes from `offset`; fewer only at the end of file.
    fn read(&self, from: &Self::Descriptor, offset: u64, length: usize) -> Result<Vec<u8>>;
    /// All of `data` at `offset`.
    fn write(&self, to: &Self::Descriptor, offset: u64, data: &[u8]) -> Result<()>;
    /// All of `data` at the end, in one piece.
    fn append(&self, to: &Self::Descriptor, data: &[u8]) -> Result<()>;
    fn set_size(&self, of: &Self::Descriptor, size: u64) -> Result<()>;
    fn stat(&self, of: &Self::Descriptor) -> Result<Stat>;
    fn stat_at(&self, at: &Self::Descriptor, follow: Follow, path: &str) -> Result<Stat>;
    fn set_times(&self, of: &Self::Descriptor, accessed: SetTime, modified: SetTime) -> Result<()>;
    fn set_times_at(
        &self,
        at: &Self::Descriptor,
        follow: Follow,
        path: &str,
        accessed: SetTime,
        modified: SetTime,
    ) -> Result<()>;
    fn create_directory_at(&self, at: &Self::Descriptor, path: &str) -> Result<()>;
    fn remove_directory_at(&self, at: &Self::Descriptor, path: &str) -> Result<()>;
    fn unlink_file_at(&self, at: &Self::Descriptor, path: &str) -> Result<()>;
    fn rename_at(&self, at: &Self::Descriptor, path: &str, to: &Self::Descriptor, new_path: &str) -> Result<()>;
    fn link_at(
        &self,
        at: &Self::Descriptor,
        follow: Follow,
        path: &str,
        to: &Self::Descriptor,
        new_path: &str,
    ) -> Result<()>;
    fn symlink_at(&self, at: &Self::Descriptor, target: &str, path: &str) -> Result<()>;
    fn readlink_at(&self, at: &Self::Descriptor, path: &str) -> Result<String>;
    fn read_directory(&self, of: &Self::Descriptor) -> Result<Self::Listing>;
    /// The next entry, `None` at the end.
    fn next_entry(&self, listing: &mut Self::Listing) -> Result<Option<Entry>>;
    /// Drops a listing.
    fn close_listing(&self, listing: Self::Listing);
    fn is_same_object(&self, one: &Self::Descriptor, other: &Self::Descriptor) -> bool;
    fn metadata_hash(&self, of: &Self::Descriptor) -> Result<(u64, u64)>;
    fn metadata_hash_at(&self, at: &Self::Descriptor, follow: Follow, path: &str) -> Result<(u64, u64)>;
    fn sync(&self, of: &Self::Descriptor) -> Result<()>;
    fn sync_data(&self, of: &Self::Descriptor) -> Result<()>;
    fn advise(&self, of: &Self::Descriptor, offset: u64, length: u64) -> Result<()>;
}
