//! A guest of the suite whose five mounts are five sessions over NATS with one
//! server. It is that of larder-store-client's own tests but for how it comes
//! to its store.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "not every test uses all; a case fails by panicking"
)]

pub mod nats;

use std::panic::catch_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use larder_core::{DescriptorFlags, FileType, Follow, Limits, OpenFlags, SetTime, Timestamp, Usage};
use larder_nats_client::{Access, Joined, NatsStore};
use larder_nats_server::{ServedVolume, Server};
use larder_store_client::{Client, File, Options};
use larder_store_service::{Attributes, Clock, Store};
use larder_suite::{Case, Entry, Form, Mount, Result, START, Stat, Times, Volumes};
use nats::{Nats, unique};

/// Entries that a listing asks for at a time: few, so that the cases have
/// listings of several pages.
const PAGE: usize = 7;

/// How a guest of the suite uses the client.
pub trait Manner: Send {
    /// The client's options.
    const OPTIONS: Options;
    /// Whether the guest syncs after each write, as one that wants to see its
    /// errors at once.
    const SYNCS: bool;
}

/// The cases in which it shows that a server does not know where the guest sees
/// the volume: an absolute link that begins with that path is one to the root.
pub const UNKNOWN_PATH: [&str; 2] =
    ["symlinks::an_absolute_target_may_begin_with_the_mount_point", "views::nothing_leads_out_of_a_scoped_view"];

/// Runs all cases, a few at a time, and answers which fail.
pub fn failing<M: Manner>() -> Vec<&'static str> {
    const AT_A_TIME: usize = 4;
    let cases: Vec<Case> = larder_suite::cases::<Guest<M>>();
    assert!(cases.len() > 100, "the suite is not empty");
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if catch_unwind(case.run).is_err() {
                        failed.lock().unwrap().push(case.name);
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().unwrap();
    failed.sort_unstable();
    failed
}

/// A case's server.
struct Served {
    main: String,
    other: String,
    server: Option<Server>,
}

impl Served {
    fn new(volumes: &Volumes, now: &Arc<Mutex<Timestamp>>) -> Self {
        let now = Arc::clone(now);
        let clock: Clock = Arc::new(move || *now.lock().unwrap());
        let (main, other) = (unique("main"), unique("other"));
        let volume = |name: &String, mount| ServedVolume {
            name: name.clone(),
            volume: volumes.view(mount).volume().clone(),
            writable: true,
        };
        let served = vec![volume(&main, Mount::Main), volume(&other, Mount::Other)];
        let server = Nats::shared().serve(served, clock, Duration::from_secs(30));
        Self { main, other, server: Some(server) }
    }

    fn store(&self, mount: Mount) -> NatsStore {
        let (volume, directory, access) = match mount {
            Mount::Main => (&self.main, "", Access::Write),
            Mount::ReadOnly => (&self.main, "", Access::Read),
            Mount::Scoped => (&self.main, "/scope", Access::Write),
            Mount::ScopedReadOnly => (&self.main, "/scope", Access::Read),
            Mount::Other => (&self.other, "", Access::Write),
        };
        let address = Nats::shared().address(&format!("{volume}{directory}"));
        let options = larder_nats_client::Options { access, ..larder_nats_client::Options::default() };
        NatsStore::connect(&address, options).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            nats::stop(server);
        }
    }
}

pub struct Guest<M: Manner> {
    volumes: Volumes,
    now: Arc<Mutex<Timestamp>>,
    client: Client<Joined>,
    roots: Vec<File<Joined>>,
    served: Arc<Served>,
    manner: std::marker::PhantomData<M>,
}

pub struct Pages {
    directory: File<Joined>,
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
    fn over(volumes: Volumes, now: Arc<Mutex<Timestamp>>, served: Arc<Served>) -> Self {
        let stores = Mount::ALL.map(|mount| {
            let store: Arc<dyn Store + Send + Sync> = Arc::new(served.store(mount));
            (mount.guest_path().to_owned(), store)
        });
        let client = Client::new(Joined::new(stores.into()), M::OPTIONS);
        let roots = client.roots().unwrap().into_iter().map(|(root, _)| root).collect();
        Self { volumes, now, client, roots, served, manner: std::marker::PhantomData }
    }

    fn written(&self, file: &File<Joined>) -> Result<()> {
        if M::SYNCS { code(file.sync()) } else { Ok(()) }
    }
}

impl<M: Manner> Form for Guest<M> {
    type Descriptor = File<Joined>;
    type Listing = Pages;
    const TIMES_BEFORE_1970: bool = true;

    fn start(limits: &Limits) -> Self {
        let volumes = Volumes::new(limits);
        let now = Arc::new(Mutex::new(START));
        let served = Arc::new(Served::new(&volumes, &now));
        Self::over(volumes, now, served)
    }

    fn another(&self) -> Option<Self> {
        Some(Self::over(self.volumes.clone(), self.now.clone(), self.served.clone()))
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

    fn read_directory(&self, of: &Self::Descriptor) -> Result<Pages> {
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
