//! Descriptors: open files and directories inside a view, with the semantics
//! of `wasi:filesystem/types.descriptor`. All checks of rights are here and in
//! `paths`, below every form.

mod content;
mod paths;
pub(crate) mod walk;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bitflags::bitflags;

use crate::error::During;
use crate::inode::Inode;
use crate::volume::OpenNode;
use crate::{
    Attributes, Context, Error, ErrorCode, FileType, LockOwner, NodeId, OperationKind, Result, Rights, SetTime,
    Timestamp, View,
};

bitflags! {
    /// `wasi:filesystem` `descriptor-flags`.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct DescriptorFlags: u8 {
        /// Content can be read.
        const READ = 1;
        /// Content can be written.
        const WRITE = 1 << 1;
        /// Each write is made durable with all attributes before it returns.
        const FILE_INTEGRITY_SYNC = 1 << 2;
        /// Each write is made durable before it returns.
        const DATA_INTEGRITY_SYNC = 1 << 3;
        /// Reads wait for the durability of writes; a read here always sees
        /// what was accepted, so it asks for nothing more.
        const REQUESTED_WRITE_SYNC = 1 << 4;
        /// Names in and below the directory can be changed.
        const MUTATE_DIRECTORY = 1 << 5;
    }
}

bitflags! {
    /// `wasi:filesystem` `open-flags`.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct OpenFlags: u8 {
        /// Create a file if there is none (`O_CREAT`).
        const CREATE = 1;
        /// Fail unless it is a directory (`O_DIRECTORY`).
        const DIRECTORY = 1 << 1;
        /// Fail if it exists (`O_EXCL`).
        const EXCLUSIVE = 1 << 2;
        /// Cut the file to no bytes (`O_TRUNC`).
        const TRUNCATE = 1 << 3;
    }
}

/// Whether a symbolic link as the last component is followed
/// (`wasi:filesystem` `path-flags.symlink-follow`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// The path names what the link leads to.
    Yes,
    /// The path names the link.
    No,
}

/// `wasi:filesystem` `metadata-hash-value`: the identity of an inode. Equal
/// for all descriptors of one inode, whatever is written to it: `wasi-libc`
/// and Rust's std use it as `st_ino`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MetadataHash {
    /// The lower 64 bits.
    pub lower: u64,
    /// The upper 64 bits.
    pub upper: u64,
}

/// An open file or directory. Dropping it closes it.
#[derive(Debug)]
pub struct Descriptor {
    view: View,
    node: OpenNode,
    flags: DescriptorFlags,
    /// Whether attributes may be changed through it: it was reached through
    /// directories that allow mutation, in a view that allows writing.
    mutable: bool,
    /// Set by the first read: the access time is renewed once for each open.
    read_before: AtomicBool,
}

impl Descriptor {
    pub(crate) const fn new(view: View, node: OpenNode, flags: DescriptorFlags, mutable: bool) -> Self {
        Self { view, node, flags, mutable, read_before: AtomicBool::new(false) }
    }

    pub(crate) const fn inode(&self) -> &Arc<Inode> {
        self.node.inode()
    }

    /// Another descriptor of the same inode with the same rights.
    ///
    /// # Errors
    /// `quota` where the volume has no handle left.
    pub fn dup(&self) -> Result<Self> {
        let node = self.node.volume().open(self.inode())?;
        Ok(Self::new(self.view.clone(), node, self.flags, self.mutable))
    }

    /// The view that it was opened in.
    #[must_use]
    pub const fn view(&self) -> &View {
        &self.view
    }

    /// What it was opened for; for a directory, what it allows.
    #[must_use]
    pub const fn flags(&self) -> DescriptorFlags {
        self.flags
    }

    /// What is open.
    #[must_use]
    pub fn file_type(&self) -> FileType {
        self.inode().file_type()
    }

    /// The inode.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.inode().id()
    }

    /// The attributes (`stat`).
    ///
    /// # Errors
    /// None today; backends behind the volume may have some.
    pub fn stat(&self) -> Result<Attributes> {
        self.counting(OperationKind::Stat, || self.inode().attributes().during("stat"))
    }

    /// Sets the access and modification times (`futimens`).
    ///
    /// # Errors
    /// `read-only` where nothing may be changed, `invalid` for nanoseconds of
    /// a second or more.
    pub fn set_times(&self, now: Timestamp, accessed: SetTime, modified: SetTime) -> Result<()> {
        self.counting(OperationKind::SetTimes, || {
            self.check_mutable("set-times")?;
            self.view.volume().set_times(&Context::at(now), self.inode(), accessed, modified)
        })
    }

    /// Whether both are descriptors of one inode of one volume.
    #[must_use]
    pub fn is_same_object(&self, other: &Self) -> bool {
        Arc::ptr_eq(self.inode(), other.inode())
    }

    /// The inode's identity as a hash.
    #[must_use]
    pub fn metadata_hash(&self) -> MetadataHash {
        hash(&self.view, self.id())
    }

    /// The same of another inode of the volume, by the number that its
    /// attributes tell.
    #[must_use]
    pub fn metadata_hash_of(&self, id: NodeId) -> MetadataHash {
        hash(&self.view, id)
    }

    /// Up to `max` entries behind the cookie `after` (0: from the start),
    /// without `.` and `..`; empty at the end.
    ///
    /// # Errors
    /// `not-directory`; `bad-descriptor` where it may not be read.
    pub fn read_directory(&self, after: u64, max: usize) -> Result<Vec<crate::DirectoryEntry>> {
        const OPERATION: &str = "read-directory";
        self.counting(OperationKind::ReadDirectory, || {
            if !self.inode().is_directory() {
                return Err(Error::new(ErrorCode::NotDirectory, OPERATION));
            }
            self.check(DescriptorFlags::READ, OPERATION)?;
            self.view.volume().list(self.inode(), after, max)
        })
    }

    /// Makes content and attributes as durable as the volume promises
    /// (`fsync`).
    ///
    /// # Errors
    /// Those of the volume's [`Durability`](crate::Durability).
    pub fn sync(&self) -> Result<()> {
        self.counting(OperationKind::Sync, || self.view.volume().sync())
    }

    /// Makes content as durable as the volume promises (`fdatasync`).
    ///
    /// # Errors
    /// As [`sync`](Self::sync).
    pub fn sync_data(&self) -> Result<()> {
        self.counting(OperationKind::Sync, || self.view.volume().sync())
    }

    /// A hint on future use (`posix_fadvise`). Content is in memory: nothing
    /// has to be done.
    ///
    /// # Errors
    /// `invalid` where the range does not fit in 64 bits, `bad-descriptor`
    /// for a directory.
    pub fn advise(&self, offset: u64, length: u64) -> Result<()> {
        const OPERATION: &str = "advise";
        if self.inode().is_directory() {
            return Err(Error::new(ErrorCode::BadDescriptor, OPERATION));
        }
        offset.checked_add(length).map(drop).ok_or_else(|| Error::new(ErrorCode::Invalid, OPERATION))
    }

    /// Takes an advisory lock on the whole file or directory, shared or
    /// exclusive, and answers its fencing token: larger than that of every
    /// lock of the volume before. A lock that the owner has is answered again,
    /// or changed to the other kind. Descriptors do not hold it: it ends with
    /// [`unlock`](Self::unlock) or [`Volume::unlock_all`].
    ///
    /// # Errors
    /// `would-block` where another owner's lock stands against it, `read-only`
    /// for an exclusive one in a view that may not be written, `quota` beyond
    /// [`MOST_LOCKS`](crate::MOST_LOCKS).
    ///
    /// [`Volume::unlock_all`]: crate::Volume::unlock_all
    pub fn try_lock(&self, now: Timestamp, owner: LockOwner, is_shared: bool) -> Result<u64> {
        const OPERATION: &str = "lock";
        self.counting(OperationKind::Lock, || {
            if !is_shared && !self.view.rights().contains(Rights::WRITE) {
                return Err(Error::new(ErrorCode::ReadOnly, OPERATION));
            }
            self.view.volume().advisory.lock(now, self.id(), owner, is_shared).during(OPERATION)
        })
    }

    /// Ends the owner's lock, if there is one.
    pub fn unlock(&self, owner: LockOwner) {
        self.view.volume().advisory.unlock(self.id(), owner);
    }

    /// Carries out an operation, and counts it where the volume counts. Each
    /// public method that is one goes through here, or counts bytes as well.
    #[inline]
    fn counting<T>(&self, kind: OperationKind, act: impl FnOnce() -> Result<T>) -> Result<T> {
        self.view.volume().counting(kind, act)
    }

    fn check(&self, needed: DescriptorFlags, operation: &'static str) -> Result<()> {
        if self.flags.contains(needed) { Ok(()) } else { Err(Error::new(ErrorCode::BadDescriptor, operation)) }
    }

    fn check_mutable(&self, operation: &'static str) -> Result<()> {
        if self.mutable { Ok(()) } else { Err(ErrorCode::ReadOnly).during(operation) }
    }

    fn first_read(&self) -> bool {
        !self.read_before.load(Ordering::Relaxed) && !self.read_before.swap(true, Ordering::Relaxed)
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        if self.flags.contains(DescriptorFlags::WRITE) {
            self.node.volume().closed(self.id());
        }
    }
}

fn hash(view: &View, id: NodeId) -> MetadataHash {
    // Steps of splitmix64. Each is a bijection, so two inodes of one volume
    // and generation never get the same `lower`, which is used as `st_ino`.
    let mix = |mut value: u64| {
        value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    };
    let volume = mix(mix(view.volume().identity()) ^ id.generation);
    let lower = mix(volume ^ id.ino);
    MetadataHash { lower, upper: mix(lower ^ volume) }
}
