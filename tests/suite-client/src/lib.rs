//! The suite's form over a [`Client`] of `larder:fs/store`, whatever brings the
//! calls to a store.
//!
//! What lives here: a guest, what a [`Manner`] says of it, and running all cases. What does not:
//! the cases (`larder-suite`), and stores: each is beside its own tests.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a case fails by panicking")]

mod run;

use std::sync::{Arc, Mutex};

use larder_core::{DescriptorFlags, FileType, Follow, Limits, OpenFlags, SetTime, Timestamp, Usage};
use larder_store_client::{Client, File, Options};
use larder_store_service::{Attributes, Clock, Store};
use larder_suite::{Entry, Form, Mount, Result, START, Stat, Times, Volumes};

pub use run::failing;

/// Entries that a listing asks for at a time: few, so that the cases have
/// listings of several pages.
const PAGE: usize = 7;

/// How a guest of the suite uses the client, and how it comes to its store.
pub trait Manner: Send {
    /// What answers the client.
    type Store: Store + Send;
    /// What all guests of a case share beside the volumes.
    type Backing: Clone + Send;
    /// The client's options.
    const OPTIONS: Options;
    /// Whether the guest syncs after each write, as one that wants to see its
    /// errors at once.
    const SYNCS: bool;

    /// What serves these volumes by this clock, for all guests of a case.
    fn serve(volumes: &Volumes, clock: &Clock) -> Self::Backing;

    /// A store for one guest, with the mounts of [`Mount::ALL`].
    fn store(backing: &Self::Backing) -> Self::Store;
}

/// A guest.
pub struct Guest<M: Manner> {
    volumes: Volumes,
    now: Arc<Mutex<Timestamp>>,
    client: Client<M::Store>,
    roots: Vec<File<M::Store>>,
    /// Dropped last: a store that outlives its server waits for an answer.
    backing: M::Backing,
}

/// A listing, page by page.
pub struct Pages<S: Store> {
    directory: File<S>,
    after: u64,
    page: std::vec::IntoIter<larder_core::DirectoryEntry>,
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

impl<M: Manner> Guest<M> {
    fn over(volumes: Volumes, now: Arc<Mutex<Timestamp>>, backing: M::Backing) -> Self {
        let client = Client::new(M::store(&backing), M::OPTIONS);
        let roots: Vec<File<M::Store>> = client.roots().unwrap().into_iter().map(|(root, _)| root).collect();
        // The session begins now at the latest: what it holds is there when the
        // case begins to count.
        assert!(!roots[0].flags().is_empty());
        Self { volumes, now, client, roots, backing }
    }

    fn written(&self, file: &File<M::Store>) -> Result<()> {
        if M::SYNCS { code(file.sync()) } else { Ok(()) }
    }
}

impl<M: Manner> Form for Guest<M> {
    type Descriptor = File<M::Store>;
    type Listing = Pages<M::Store>;
    const TIMES_BEFORE_1970: bool = true;

    fn start(limits: &Limits) -> Self {
        let volumes = Volumes::new(limits);
        let now = Arc::new(Mutex::new(START));
        let clock: Clock = {
            let now = Arc::clone(&now);
            Arc::new(move || *now.lock().unwrap())
        };
        let backing = M::serve(&volumes, &clock);
        Self::over(volumes, now, backing)
    }

    fn another(&self) -> Option<Self> {
        Some(Self::over(self.volumes.clone(), Arc::clone(&self.now), self.backing.clone()))
    }

    fn set_now(&self, now: Timestamp) {
        // What was noted belongs to the time before.
        let _ = self.client.settle();
        *self.now.lock().unwrap() = now;
    }

    fn usage(&self) -> Usage {
        let _ = self.client.settle();
        self.volumes.main().usage()
    }

    fn recount(&self) -> Usage {
        self.volumes.main().recount()
    }

    fn root(&self, mount: Mount) -> Result<Self::Descriptor> {
        let index = Mount::ALL.iter().position(|known| *known == mount).unwrap();
        code(self.roots[index].dup())
    }

    fn close(&self, descriptor: Self::Descriptor) {
        drop(descriptor);
    }

    fn open_at(
        &self,
        at: &Self::Descriptor,
        follow: Follow,
        path: &str,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Result<Self::Descriptor> {
        code(at.open_at(follow, path, open, flags))
    }

    fn get_flags(&self, of: &Self::Descriptor) -> Result<DescriptorFlags> {
        Ok(of.flags())
    }

    fn get_type(&self, of: &Self::Descriptor) -> Result<FileType> {
        Ok(of.file_type())
    }

    fn read(&self, from: &Self::Descriptor, offset: u64, length: usize) -> Result<Vec<u8>> {
        code(from.read(offset, length)).map(|pieces| pieces.concat())
    }

    fn write(&self, to: &Self::Descriptor, offset: u64, data: &[u8]) -> Result<()> {
        assert_eq!(code(to.write(offset, &data))?, data.len(), "a write is whole");
        self.written(to)
    }

    fn append(&self, to: &Self::Descriptor, data: &[u8]) -> Result<()> {
        assert_eq!(code(to.append(&data))?, data.len(), "an append is whole");
        self.written(to)
    }

    fn set_size(&self, of: &Self::Descriptor, size: u64) -> Result<()> {
        code(of.set_size(size))
    }

    fn stat(&self, of: &Self::Descriptor) -> Result<Stat> {
        code(of.stat()).map(stat)
    }

    fn stat_at(&self, at: &Self::Descriptor, follow: Follow, path: &str) -> Result<Stat> {
        code(at.stat_at(follow, path)).map(stat)
    }

    fn set_times(&self, of: &Self::Descriptor, accessed: SetTime, modified: SetTime) -> Result<()> {
        code(of.set_times(accessed, modified))
    }

    fn set_times_at(
        &self,
        at: &Self::Descriptor,
        follow: Follow,
        path: &str,
        accessed: SetTime,
        modified: SetTime,
    ) -> Result<()> {
        code(at.set_times_at(follow, path, accessed, modified))
    }

    fn create_directory_at(&self, at: &Self::Descriptor, path: &str) -> Result<()> {
        code(at.create_directory_at(path))
    }

    fn remove_directory_at(&self, at: &Self::Descriptor, path: &str) -> Result<()> {
        code(at.remove_directory_at(path))
    }

    fn unlink_file_at(&self, at: &Self::Descriptor, path: &str) -> Result<()> {
        code(at.unlink_file_at(path))
    }

    fn rename_at(&self, at: &Self::Descriptor, path: &str, to: &Self::Descriptor, new_path: &str) -> Result<()> {
        code(at.rename_at(path, to, new_path))
    }

    fn link_at(
        &self,
        at: &Self::Descriptor,
        follow: Follow,
        path: &str,
        to: &Self::Descriptor,
        new_path: &str,
    ) -> Result<()> {
        code(at.link_at(follow, path, to, new_path))
    }

    fn symlink_at(&self, at: &Self::Descriptor, target: &str, path: &str) -> Result<()> {
        code(at.symlink_at(target, path))
    }

    fn readlink_at(&self, at: &Self::Descriptor, path: &str) -> Result<String> {
        code(at.readlink_at(path)).map(|target| target.as_ref().to_owned())
    }

    fn read_directory(&self, of: &Self::Descriptor) -> Result<Pages<M::Store>> {
        let directory = code(of.dup())?;
        let page = code(directory.read_directory(0, PAGE))?.into_iter();
        Ok(Pages { directory, after: 0, page })
    }

    fn next_entry(&self, listing: &mut Pages<M::Store>) -> Result<Option<Entry>> {
        if listing.page.len() == 0 {
            listing.page = code(listing.directory.read_directory(listing.after, PAGE))?.into_iter();
        }
        let Some(entry) = listing.page.next() else { return Ok(None) };
        listing.after = entry.cookie;
        Ok(Some(Entry { name: entry.name.as_ref().to_owned(), file_type: entry.file_type.into() }))
    }

    fn close_listing(&self, listing: Pages<M::Store>) {
        drop(listing);
    }

    fn is_same_object(&self, one: &Self::Descriptor, other: &Self::Descriptor) -> bool {
        one.is_same_object(other)
    }

    fn metadata_hash(&self, of: &Self::Descriptor) -> Result<(u64, u64)> {
        code(of.metadata_hash()).map(|hash| (hash.lower, hash.upper))
    }

    fn metadata_hash_at(&self, at: &Self::Descriptor, follow: Follow, path: &str) -> Result<(u64, u64)> {
        code(at.metadata_hash_at(follow, path)).map(|hash| (hash.lower, hash.upper))
    }

    fn sync(&self, of: &Self::Descriptor) -> Result<()> {
        code(of.sync())
    }

    fn sync_data(&self, of: &Self::Descriptor) -> Result<()> {
        code(of.sync_data())
    }

    fn advise(&self, of: &Self::Descriptor, offset: u64, length: u64) -> Result<()> {
        code(of.advise(offset, length))
    }
}
