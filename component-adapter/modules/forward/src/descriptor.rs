//! Descriptors with the methods of `larder_core::Descriptor`.

use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;
use larder_core::{
    Attributes, Chunks, DescriptorFlags, DirectoryEntry, FileType, Follow, MetadataHash, NodeId, OpenFlags, Result,
    SetTime, Source, Timestamp,
};
use larder_store_client::File;

use crate::imported::Imported;

/// An open file or directory of the store. The times that callers pass are not
/// used: those who share a volume share the clock of whoever serves it.
pub struct Descriptor {
    file: File<Imported>,
    /// What [`readable`](Self::readable) got, for the read that follows.
    ahead: RefCell<Option<(u64, Vec<Bytes>)>>,
}

impl Descriptor {
    pub(crate) const fn new(file: File<Imported>) -> Self {
        Self { file, ahead: RefCell::new(None) }
    }

    /// As [`larder_core::Descriptor::dup`].
    ///
    /// # Errors
    /// As there.
    pub fn dup(&self) -> Result<Self> {
        self.file.dup().map(Self::new)
    }

    /// What it was opened for; for a directory, what it allows.
    #[must_use]
    pub fn flags(&self) -> DescriptorFlags {
        self.file.flags()
    }

    /// What is open.
    #[must_use]
    pub const fn file_type(&self) -> FileType {
        self.file.file_type()
    }

    /// The attributes.
    ///
    /// # Errors
    /// Those of the store.
    pub fn stat(&self) -> Result<Attributes> {
        self.file.stat().map(attributes)
    }

    /// The file's length in bytes.
    ///
    /// # Errors
    /// Those of the store.
    pub fn size(&self) -> Result<u64> {
        self.file.stat().map(|attributes| attributes.size)
    }

    /// As [`larder_core::Descriptor::set_times`].
    ///
    /// # Errors
    /// As there, and those of the store.
    pub fn set_times(&self, _: Timestamp, accessed: SetTime, modified: SetTime) -> Result<()> {
        self.file.set_times(accessed, modified)
    }

    /// Whether both are descriptors of one inode.
    #[must_use]
    pub fn is_same_object(&self, other: &Self) -> bool {
        self.file.is_same_object(&other.file)
    }

    /// The inode's identity as a hash.
    ///
    /// # Errors
    /// Those of a deferred creation.
    pub fn metadata_hash(&self) -> Result<MetadataHash> {
        self.file.metadata_hash()
    }

    /// As [`larder_core::Descriptor::read_directory`].
    ///
    /// # Errors
    /// As there, and those of the store.
    pub fn read_directory(&self, after: u64, max: usize) -> Result<Vec<DirectoryEntry>> {
        self.file.read_directory(after, max)
    }

    /// As [`larder_core::Descriptor::sync`].
    ///
    /// # Errors
    /// As there, and those of what was deferred.
    pub fn sync(&self) -> Result<()> {
        self.file.sync()
    }

    /// As [`larder_core::Descriptor::sync_data`].
    ///
    /// # Errors
    /// As there, and those of what was deferred.
    pub fn sync_data(&self) -> Result<()> {
        self.file.sync_data()
    }

    /// What a stream's flush is.
    ///
    /// # Errors
    /// Those of what was deferred.
    pub fn flush(&self) -> Result<()> {
        self.file.flush()
    }

    /// As [`larder_core::Descriptor::advise`].
    ///
    /// # Errors
    /// As there.
    pub fn advise(&self, offset: u64, length: u64) -> Result<()> {
        self.file.advise(offset, length)
    }

    /// How many bytes a read of `length` at `offset` gives. They are got now,
    /// and the read that follows there gives these.
    ///
    /// # Errors
    /// Those of the read.
    pub fn readable(&self, offset: u64, length: usize) -> Result<usize> {
        let pieces = self.file.read(offset, length)?;
        let total = pieces.iter().map(Bytes::len).sum();
        self.ahead.replace(Some((offset, pieces)));
        Ok(total)
    }

    /// As [`larder_core::Descriptor::read_with`].
    ///
    /// # Errors
    /// As there, and those of the store.
    pub fn read_with(&self, offset: u64, length: usize, mut visitor: impl FnMut(&[u8])) -> Result<usize> {
        let mut left = length;
        for piece in self.pieces(offset, length)? {
            let part = piece.get(..left.min(piece.len())).unwrap_or(&piece);
            visitor(part);
            left -= part.len();
        }
        Ok(length - left)
    }

    /// As [`larder_core::Descriptor::read`].
    ///
    /// # Errors
    /// As there, and those of the store.
    pub fn read(&self, offset: u64, length: usize) -> Result<Chunks> {
        Ok(self.pieces(offset, length)?.into_iter().collect())
    }

    fn pieces(&self, offset: u64, length: usize) -> Result<Vec<Bytes>> {
        match self.ahead.take() {
            Some((at, pieces)) if at == offset && pieces.iter().map(Bytes::len).sum::<usize>() <= length => Ok(pieces),
            _ => self.file.read(offset, length),
        }
    }

    /// Nothing: the client notes reads itself.
    pub const fn touch_read(&self, _: Timestamp) {}

    /// As [`larder_core::Descriptor::write_from`].
    ///
    /// # Errors
    /// As there, and those of the store.
    pub fn write_from(&self, _: Timestamp, offset: u64, data: &dyn Source) -> Result<usize> {
        self.ahead.take();
        self.file.write(offset, data)
    }

    /// As [`larder_core::Descriptor::append_from`].
    ///
    /// # Errors
    /// As there, and those of the store.
    pub fn append_from(&self, _: Timestamp, data: &dyn Source) -> Result<usize> {
        self.ahead.take();
        self.file.append(data)
    }

    /// As [`larder_core::Descriptor::set_size`].
    ///
    /// # Errors
    /// As there, and those of the store.
    pub fn set_size(&self, _: Timestamp, size: u64) -> Result<()> {
        self.ahead.take();
        self.file.set_size(size)
    }

    /// As [`larder_core::Descriptor::open_at`].
    ///
    /// # Errors
    /// As there, and those of the store.
    pub fn open_at(
        &self,
        _: Timestamp,
        follow: Follow,
        path: &str,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Result<Self> {
        self.file.open_at(follow, path, open, flags).map(Self::new)
    }

    /// As [`larder_core::Descriptor::stat_at`].
    ///
    /// # Errors
    /// As there, and those of the store.
    pub fn stat_at(&self, follow: Follow, path: &str) -> Result<Attributes> {
        self.file.stat_at(follow, path).map(attributes)
    }

    /// As [`larder_core::Descriptor::metadata_hash_at`].
    ///
    /// # Errors
    /// As there, and those of the store.
    pub fn metadata_hash_at(&self, follow: Follow, path: &str) -> Result<MetadataHash> {
        self.file.metadata_hash_at(follow, path)
    }

    /// The version of what a name names, as it is in the store now.
    ///
    /// # Errors
    /// As [`larder_core::Descriptor::stat_at`], and those of the store.
    pub fn version_at(&self, path: &str) -> Result<u64> {
        self.file.version_at(path)
    }

    /// As [`larder_core::Descriptor::try_lock`], for this guest.
    ///
    /// # Errors
    /// As there, and those of the store.
    pub fn try_lock(&self, shared: bool) -> Result<u64> {
        self.file.try_lock(shared)
    }

    /// As [`larder_core::Descriptor::unlock`].
    ///
    /// # Errors
    /// Those of the store, and of what was deferred.
    pub fn unlock(&self) -> Result<()> {
        self.file.unlock()
    }

    /// As [`larder_core::Descriptor::set_times_at`].
    ///
    /// # Errors
    /// As there, and those of the store.
    pub fn set_times_at(
        &self,
        _: Timestamp,
        follow: Follow,
        path: &str,
        accessed: SetTime,
        modified: SetTime,
    ) -> Result<()> {
        self.file.set_times_at(follow, path, accessed, modified)
    }

    /// As [`larder_core::Descriptor::create_directory_at`].
    ///
    /// # Errors
    /// As there, and those of the store.
    pub fn create_directory_at(&self, _: Timestamp, path: &str) -> Result<()> {
        self.file.create_directory_at(path)
    }

    /// As [`larder_core::Descriptor::symlink_at`].
    ///
    /// # Errors
    /// As there, and those of the store.
    pub fn symlink_at(&self, _: Timestamp, target: &str, path: &str) -> Result<()> {
        self.file.symlink_at(target, path)
    }

    /// As [`larder_core::Descriptor::readlink_at`].
    ///
    /// # Errors
    /// As there, and those of the store.
    pub fn readlink_at(&self, path: &str) -> Result<Arc<str>> {
        self.file.readlink_at(path)
    }

    /// As [`larder_core::Descriptor::unlink_file_at`].
    ///
    /// # Errors
    /// As there, and those of the store.
    pub fn unlink_file_at(&self, _: Timestamp, path: &str) -> Result<()> {
        self.file.unlink_file_at(path)
    }

    /// As [`larder_core::Descriptor::remove_directory_at`].
    ///
    /// # Errors
    /// As there, and those of the store.
    pub fn remove_directory_at(&self, _: Timestamp, path: &str) -> Result<()> {
        self.file.remove_directory_at(path)
    }

    /// As [`larder_core::Descriptor::rename_at`].
    ///
    /// # Errors
    /// As there, and those of the store.
    pub fn rename_at(&self, _: Timestamp, path: &str, new: &Self, new_path: &str) -> Result<()> {
        self.file.rename_at(path, &new.file, new_path)
    }

    /// As [`larder_core::Descriptor::link_at`].
    ///
    /// # Errors
    /// As there, and those of the store.
    pub fn link_at(&self, _: Timestamp, follow: Follow, path: &str, new: &Self, new_path: &str) -> Result<()> {
        self.file.link_at(follow, path, &new.file, new_path)
    }
}

fn attributes(attributes: larder_store_service::Attributes) -> Attributes {
    Attributes {
        id: NodeId { ino: attributes.node.ino, generation: attributes.node.generation },
        file_type: attributes.file_type,
        link_count: attributes.link_count,
        size: attributes.size,
        // The interface does not bring what no WASI function asks for.
        allocated: attributes.size,
        mode: 0,
        accessed: attributes.accessed,
        modified: attributes.modified,
        changed: attributes.changed,
        version: attributes.version,
    }
}
