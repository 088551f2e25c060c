//! A volume on a bucket of its own, and another client of that bucket.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::future::Future;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use larder_bucket::{Bucket, BucketOptions, Condition, Etag, Metadata};
use larder_core::{
    Change, ContentSource, Context, Descriptor, DescriptorFlags, Error, ErrorCode, FileType, Follow, Limits, NodeId,
    Observer, OpenFlags, Operation, Proposal, Result, Rights, Settling, Timestamp, View, Volume, VolumeOptions,
};
use larder_test_s3::{Access, Faults, S3sFs, Weed};
use parking_lot::Mutex;

use crate::catalogue::Catalogue;
use crate::changes::Changes;
use crate::layout::{KeySpace, LinkId, ObjectMeta};
use crate::mirror::Mirror;
use crate::options::{ReadMode, S3Options};
use crate::restore::Restore;
use crate::session::Session;
use crate::shared::{Counters, Shared, State};
use crate::status::Status;

pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_000);

/// Longest wait for what happens in the background.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap())
}

pub(super) fn wait<T>(future: impl Future<Output = T>) -> T {
    runtime().block_on(future)
}

/// A bucket on each server.
pub(super) fn buckets() -> [Outside; 2] {
    static S3S: OnceLock<S3sFs> = OnceLock::new();
    let weed = Outside::new(Weed::shared().access(), true);
    [weed, Outside::new(S3S.get_or_init(S3sFs::start).access(), false)]
}

/// Another client of a bucket.
pub(super) struct Outside {
    pub(super) is_weed: bool,
    access: Access,
    name: String,
    pub(super) bucket: Bucket,
}

fn options(access: &Access, name: &str) -> BucketOptions {
    BucketOptions {
        bucket: name.to_owned(),
        endpoint: Some(access.endpoint.clone()),
        region: Some(access.region.clone()),
        credentials: Some((access.access_key.clone(), access.secret_key.clone())),
        ..BucketOptions::default()
    }
}

impl Outside {
    fn new(access: Access, is_weed: bool) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("restore-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        access.make_bucket(&name);
        let bucket = wait(Bucket::connect(options(&access, &name))).unwrap();
        Self { is_weed, access, name, bucket }
    }

    pub(super) fn put(&self, key: &str, body: impl Into<Bytes>) -> Etag {
        self.put_with(key, body, &Metadata::new())
    }

    pub(super) fn put_with(&self, key: &str, body: impl Into<Bytes>, metadata: &Metadata) -> Etag {
        wait(self.bucket.put(key, body.into(), metadata, &Condition::Always)).unwrap()
    }

    pub(super) fn put_all(&self, keys: impl IntoIterator<Item = String>) {
        let puts = stream::iter(keys).map(|key| async move {
            let body = Bytes::from(key.clone());
            self.bucket.put(&key, body, &Metadata::new(), &Condition::Always).await.unwrap();
        });
        wait(puts.buffer_unordered(16).collect::<Vec<()>>());
    }

    pub(super) fn delete(&self, key: &str) {
        wait(self.bucket.delete(key, &Condition::Always)).unwrap();
    }

    pub(super) fn open(&self) -> World {
        self.open_with(S3Options::default())
    }

    pub(super) fn open_with(&self, given: S3Options) -> World {
        World::new(S3Options { bucket: options(&self.access, &self.name), ..given }, Limits::default())
    }

    /// Through a network that can be spoiled, with short times.
    pub(super) fn open_spoiled(&self, given: S3Options) -> (Faults, World) {
        let faults = Faults::to(&self.access.endpoint);
        let bucket = BucketOptions {
            request_timeout: Duration::from_secs(2),
            attempts: 2,
            first_pause: Duration::from_millis(5),
            ..options(&self.access.through(faults.endpoint()), &self.name)
        };
        let world = World::new(S3Options { bucket, ..given }, Limits::default());
        (faults, world)
    }
}

pub(super) fn through() -> S3Options {
    S3Options { read: ReadMode::Through, ..S3Options::default() }
}

/// Metadata by name and value.
pub(super) fn metadata<const N: usize>(fields: [(&str, &str); N]) -> Metadata {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

pub(super) fn linked(link: u128) -> Metadata {
    ObjectMeta { link: Some(LinkId(link)), ..ObjectMeta::of_kind(FileType::RegularFile) }.to_metadata()
}

/// Follows the volume as the engine does, and brings nothing to the bucket.
struct Follower {
    shared: Arc<Shared>,
    restore: Weak<Restore>,
}

impl Observer for Follower {
    fn admit(&self, _: Proposal<'_>) -> Result<()> {
        Ok(())
    }

    fn record(&self, _: &Context, change: Change<'_>) {
        let state = &mut *self.shared.state.lock();
        state.changes.record(&mut state.mirror, &change, false);
    }

    fn settle(&self, _: Settling) -> Result<()> {
        Ok(())
    }

    fn closed(&self, _: NodeId) {}

    fn opening(&self, directory: NodeId, name: &str) -> Result<bool> {
        match self.restore.upgrade() {
            Some(restore) if self.shared.options.read == ReadMode::Through => restore.opening(directory, name),
            _ => Ok(false),
        }
    }

    fn may_adopt(&self, directory: NodeId, name: &str, named: Option<NodeId>) -> bool {
        !self.shared.state.lock().is_changed(&self.shared.keys, directory, name, named)
    }

    fn adopted(&self, directory: NodeId, name: &str, node: Option<NodeId>) {
        self.shared.state.lock().adopted(&self.shared.keys, directory, name, node);
    }
}

impl ContentSource for Follower {
    fn load(&self, node: NodeId, version: &str, range: Range<u64>) -> Result<Bytes> {
        let place = self.shared.state.lock().catalogue.place(node).cloned();
        let failed = || Error::new(ErrorCode::Io, "load");
        let place = place.filter(|place| *place.version == *version).ok_or_else(failed)?;
        let mut content = vec![0; (range.end - range.start) as usize];
        let pieces = match &place.sparse {
            Some(map) => map.object_range(range.clone()),
            None => vec![(range.start, range.clone())],
        };
        for (at, object) in pieces {
            let (answer, answered) = std::sync::mpsc::channel();
            let (bucket, key, etag) = (self.shared.bucket.clone(), Arc::clone(&place.key), Arc::clone(&place.etag));
            runtime().spawn(async move { answer.send(bucket.get(&key, &etag, object).await) });
            let bytes = answered.recv().unwrap().map_err(|_| failed())?;
            let at = (at - range.start) as usize;
            content[at..at + bytes.len()].copy_from_slice(&bytes);
        }
        Ok(content.into())
    }
}

/// An open volume.
pub(super) struct World {
    pub(super) volume: Arc<Volume>,
    pub(super) shared: Arc<Shared>,
    pub(super) restore: Arc<Restore>,
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // In this order: counting lists.
            let counted = self.volume.recount();
            assert_eq!(counted, self.volume.usage());
            assert!(self.shared.state.lock().incoming.is_empty());
        }
        self.restore.stop();
    }
}

impl World {
    pub(super) fn new(options: S3Options, limits: Limits) -> Self {
        let keys = KeySpace::new(&options.prefix).unwrap();
        let bucket = wait(Bucket::connect(options.bucket.clone())).unwrap();
        let volume = Volume::unlisted(VolumeOptions { limits, ..VolumeOptions::default() });
        let state = State {
            mirror: Mirror::new(volume.root_id()),
            catalogue: Catalogue::default(),
            ahead: crate::commit::ahead::Aheads::default(),
            changes: Changes::default(),
            incoming: HashMap::new(),
            busy: HashSet::new(),
            yielding: HashSet::new(),
        };
        let shared = Arc::new(Shared {
            options,
            keys,
            bucket,
            volume: Arc::downgrade(&volume),
            runtime: runtime().handle().clone(),
            session: Session::new(None, None),
            state: Mutex::new(state),
            counters: Counters::default(),
            turn: tokio::sync::Mutex::new(()),
        });
        let restore = Restore::new(Arc::clone(&shared));
        wait(restore.load_attributes()).unwrap();
        restore.describe_root().unwrap();
        let follower = Arc::new(Follower { shared: Arc::clone(&shared), restore: Arc::downgrade(&restore) });
        volume.set_observer(Arc::<Follower>::clone(&follower)).unwrap();
        volume.set_content_source(follower).unwrap();
        volume.set_lister(Arc::<Restore>::clone(&restore)).unwrap();
        Self { volume, shared, restore }
    }

    /// Lists the whole tree in the background, and waits for that.
    pub(super) fn walk(&self) {
        self.restore.start(Arc::new(|_| async {}));
        let end = Instant::now() + PATIENCE;
        while !self.restore.is_done() {
            assert!(Instant::now() < end, "{:?}", self.status());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub(super) fn poll(&self) -> u64 {
        wait(self.restore.poll_once()).unwrap()
    }

    pub(super) fn root(&self) -> Descriptor {
        View::new(&self.volume, Rights::READ_WRITE).unwrap().root().unwrap()
    }

    pub(super) fn names(&self, path: &str) -> Result<Vec<String>> {
        let root = self.root();
        let directory = match path {
            "" => root,
            _ => root.open_at(NOW, Follow::No, path, OpenFlags::DIRECTORY, DescriptorFlags::READ)?,
        };
        let mut names = Vec::new();
        let mut after = 0;
        loop {
            let entries = directory.read_directory(after, 500)?;
            let Some(last) = entries.last() else { break };
            after = last.cookie;
            names.extend(entries.iter().map(|entry| entry.name.to_string()));
        }
        names.sort_unstable();
        Ok(names)
    }

    pub(super) fn open_file(&self, path: &str) -> Result<Descriptor> {
        self.root().open_at(NOW, Follow::No, path, OpenFlags::empty(), DescriptorFlags::READ)
    }

    pub(super) fn read(&self, path: &str) -> Result<Bytes> {
        let file = self.open_file(path)?;
        Ok(file.read(0, file.size()? as usize)?.into_bytes())
    }

    pub(super) fn text(&self, path: &str) -> String {
        match self.read(path) {
            Ok(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            Err(error) => format!("{:?}", error.code()),
        }
    }

    /// All that a guest sees: kinds and permissions by path.
    pub(super) fn tree(&self) -> BTreeMap<String, String> {
        let mut tree = BTreeMap::new();
        let mut open = vec![String::new()];
        while let Some(directory) = open.pop() {
            for name in self.names(&directory).unwrap() {
                let path = super::super::listing::below(&directory, &name);
                let stat = self.root().stat_at(Follow::No, &path).unwrap();
                let what = match stat.file_type {
                    FileType::Directory => {
                        open.push(path.clone());
                        format!("d {:o}", stat.mode)
                    }
                    FileType::SymbolicLink => format!("l {}", self.root().readlink_at(&path).unwrap()),
                    FileType::RegularFile => format!("f {:o} {} {}", stat.mode, stat.link_count, stat.size),
                };
                tree.insert(path, what);
            }
        }
        tree
    }

    pub(super) fn apply(&self, operation: &Operation) {
        self.volume.apply(&Context::at(NOW), operation).unwrap();
    }

    pub(super) fn node(&self, path: &str) -> NodeId {
        match path {
            "" => self.volume.root_id(),
            _ => self.root().stat_at(Follow::No, path).unwrap().id,
        }
    }

    pub(super) fn status(&self) -> Status {
        let mut status = Status::default();
        self.shared.counters.tell(&mut status);
        status
    }

    /// The reports of keys that are left alone, which mention this one.
    pub(super) fn reported(&self, key: &str) -> usize {
        let quoted = format!("{key:?}");
        self.status().foreign_keys.iter().filter(|report| report.contains(&quoted)).count()
    }
}
