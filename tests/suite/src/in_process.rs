//! The core itself as a form: descriptors are used directly.

use std::sync::{Arc, Mutex};

use larder_core::{
    Attributes, Descriptor, DescriptorFlags, FileType, Follow, Limits, OpenFlags, SetTime, Timestamp, Usage,
};

use crate::{Entry, Form, Mount, Result, START, Stat, Times, Volumes};

/// Entries that a listing asks for at a time: few, so that the cases have
/// listings of several pages.
const PAGE: usize = 7;

/// Where the volumes of a guest that is linked with the core come from.
pub trait Backend: Send + Sync + 'static {
    /// What has to stay for as long as the volumes are used.
    type Kept: Send + Sync + 'static;

    /// See [`Form::longest_path`].
    const LONGEST_PATH: usize = 4096;

    /// New volumes, as [`Form::start`] wants them.
    fn volumes(limits: &Limits) -> (Volumes, Self::Kept);
}

/// Volumes in memory alone.
#[derive(Debug)]
pub struct Memory;

impl Backend for Memory {
    type Kept = ();

    fn volumes(limits: &Limits) -> (Volumes, ()) {
        (Volumes::new(limits), ())
    }
}

/// A guest that is linked with the core.
#[derive(Debug)]
pub struct InProcess<B: Backend = Memory> {
    volumes: Volumes,
    now: Arc<Mutex<Timestamp>>,
    kept: Arc<B::Kept>,
}

/// A listing: the directory, the last cookie, and what is left of a page.
#[derive(Debug)]
pub struct Pages {
    directory: Descriptor,
    after: u64,
    page: std::vec::IntoIter<larder_core::DirectoryEntry>,
}

impl<B: Backend> InProcess<B> {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }
}

fn code<T>(result: larder_core::Result<T>) -> Result<T> {
    result.map_err(|error| error.code())
}

fn stat(attributes: Attributes) -> Stat {
    Stat {
        file_type: attributes.file_type,
        link_count: attributes.link_count,
        size: attributes.size,
        times: Times { accessed: attributes.accessed, modified: attributes.modified, changed: attributes.changed },
    }
}

impl<B: Backend> Form for InProcess<B> {
    type Descriptor = Descriptor;
    type Listing = Pages;
    const TIMES_BEFORE_1970: bool = true;

    fn longest_path() -> usize {
        B::LONGEST_PATH
    }

    fn start(limits: &Limits) -> Self {
        // For `every_set`.
        let _ = crate::next_set(limits);
        let (volumes, kept) = B::volumes(limits);
        Self { volumes, now: Arc::new(Mutex::new(START)), kept: Arc::new(kept) }
    }

    fn another(&self) -> Option<Self> {
        Some(Self { volumes: self.volumes.clone(), now: self.now.clone(), kept: self.kept.clone() })
    }

    fn set_now(&self, now: Timestamp) {
        *self.now.lock().unwrap() = now;
    }

    fn usage(&self) -> Usage {
        self.volumes.main().usage()
    }

    fn recount(&self) -> Usage {
        self.volumes.main().recount()
    }

    fn root(&self, mount: Mount) -> Result<Descriptor> {
        code(self.volumes.view(mount).root())
    }

    fn close(&self, descriptor: Descriptor) {
        drop(descriptor);
    }

    fn open_at(
        &self,
        at: &Descriptor,
        follow: Follow,
        path: &str,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Result<Descriptor> {
        code(at.open_at(self.now(), follow, path, open, flags))
    }

    fn get_flags(&self, of: &Descriptor) -> Result<DescriptorFlags> {
        Ok(of.flags())
    }

    fn get_type(&self, of: &Descriptor) -> Result<FileType> {
        Ok(of.file_type())
    }

    fn read(&self, from: &Descriptor, offset: u64, length: usize) -> Result<Vec<u8>> {
        let chunks = code(from.read(offset, length))?;
        from.touch_read(self.now());
        Ok(chunks.into_bytes().to_vec())
    }

    fn write(&self, to: &Descriptor, offset: u64, data: &[u8]) -> Result<()> {
        let written = code(to.write(self.now(), offset, data))?;
        assert_eq!(written, data.len(), "a write is whole");
        Ok(())
    }

    fn append(&self, to: &Descriptor, data: &[u8]) -> Result<()> {
        let written = code(to.append(self.now(), data))?;
        assert_eq!(written, data.len(), "an append is whole");
        Ok(())
    }

    fn set_size(&self, of: &Descriptor, size: u64) -> Result<()> {
        code(of.set_size(self.now(), size))
    }

    fn stat(&self, of: &Descriptor) -> Result<Stat> {
        code(of.stat()).map(stat)
    }

    fn stat_at(&self, at: &Descriptor, follow: Follow, path: &str) -> Result<Stat> {
        code(at.stat_at(follow, path)).map(stat)
    }

    fn set_times(&self, of: &Descriptor, accessed: SetTime, modified: SetTime) -> Result<()> {
        code(of.set_times(self.now(), accessed, modified))
    }

    fn set_times_at(
        &self,
        at: &Descriptor,
        follow: Follow,
        path: &str,
        accessed: SetTime,
        modified: SetTime,
    ) -> Result<()> {
        code(at.set_times_at(self.now(), follow, path, accessed, modified))
    }

    fn create_directory_at(&self, at: &Descriptor, path: &str) -> Result<()> {
        code(at.create_directory_at(self.now(), path))
    }

    fn remove_directory_at(&self, at: &Descriptor, path: &str) -> Result<()> {
        code(at.remove_directory_at(self.now(), path))
    }

    fn unlink_file_at(&self, at: &Descriptor, path: &str) -> Result<()> {
        code(at.unlink_file_at(self.now(), path))
    }

    fn rename_at(&self, at: &Descriptor, path: &str, to: &Descriptor, new_path: &str) -> Result<()> {
        code(at.rename_at(self.now(), path, to, new_path))
    }

    fn link_at(&self, at: &Descriptor, follow: Follow, path: &str, to: &Descriptor, new_path: &str) -> Result<()> {
        code(at.link_at(self.now(), follow, path, to, new_path))
    }

    fn symlink_at(&self, at: &Descriptor, target: &str, path: &str) -> Result<()> {
        code(at.symlink_at(self.now(), target, path))
    }

    fn readlink_at(&self, at: &Descriptor, path: &str) -> Result<String> {
        code(at.readlink_at(path)).map(|target| target.as_ref().to_owned())
    }

    fn read_directory(&self, of: &Descriptor) -> Result<Pages> {
        let directory = code(of.dup())?;
        let page = code(directory.read_directory(0, PAGE))?.into_iter();
        Ok(Pages { directory, after: 0, page })
    }

    fn next_entry(&self, listing: &mut Pages) -> Result<Option<Entry>> {
        if listing.page.len() == 0 {
            listing.page = code(listing.directory.read_directory(listing.after, PAGE))?.into_iter();
        }
        let Some(entry) = listing.page.next() else { return Ok(None) };
        listing.after = entry.cookie;
        Ok(Some(Entry { name: entry.name.as_ref().to_owned(), file_type: entry.file_type.into() }))
    }

    fn close_listing(&self, listing: Pages) {
        drop(listing);
    }

    fn is_same_object(&self, one: &Descriptor, other: &Descriptor) -> bool {
        one.is_same_object(other)
    }

    fn metadata_hash(&self, of: &Descriptor) -> Result<(u64, u64)> {
        let hash = of.metadata_hash();
        Ok((hash.lower, hash.upper))
    }

    fn metadata_hash_at(&self, at: &Descriptor, follow: Follow, path: &str) -> Result<(u64, u64)> {
        code(at.metadata_hash_at(follow, path)).map(|hash| (hash.lower, hash.upper))
    }

    fn sync(&self, of: &Descriptor) -> Result<()> {
        code(of.sync())
    }

    fn sync_data(&self, of: &Descriptor) -> Result<()> {
        code(of.sync_data())
    }

    fn advise(&self, of: &Descriptor, offset: u64, length: u64) -> Result<()> {
        code(of.advise(offset, length))
    }
}
