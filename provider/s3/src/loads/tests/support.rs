//! A volume whose files are in a bucket of its own.

use std::collections::HashMap;
use std::future::Future;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use larder_bucket::{Bucket, BucketOptions, Condition, Etag, Metadata, Operation};
use larder_core::{
    Adopted, AdoptedEntry, CHUNK_BYTES, Descriptor, DescriptorFlags, Follow, Limits, NodeId, OpenFlags, Result, Rights,
    Timestamp, View, Volume, VolumeOptions,
};
use larder_test_s3::{Access, Faults, S3sFs, Weed};
use parking_lot::Mutex;
use tokio::runtime::Runtime;

use crate::layout::SparseMap;
use crate::loads::{LoadLimits, Loads};
use crate::place::{Place, Places};

pub(super) const MIB: u64 = 1 << 20;
pub(super) const CHUNK: u64 = CHUNK_BYTES as u64;
pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_000);

/// Longest wait for what happens in the background.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap())
}

pub(super) fn wait<T>(future: impl Future<Output = T>) -> T {
    runtime().block_on(future)
}

/// Both servers.
pub(super) fn servers() -> [Access; 2] {
    [s3s(), weed()]
}

pub(super) fn s3s() -> Access {
    static S3S: OnceLock<S3sFs> = OnceLock::new();
    S3S.get_or_init(S3sFs::start).access()
}

pub(super) fn weed() -> Access {
    Weed::shared().access()
}

/// Where the files are: a table.
#[derive(Default)]
pub(super) struct Table {
    pub(super) places: Mutex<HashMap<NodeId, Place>>,
    completed: Mutex<Vec<String>>,
}

impl Table {
    pub(super) fn place_of(&self, node: NodeId) -> Place {
        self.places.lock()[&node].clone()
    }
}

impl Places for Table {
    fn place(&self, node: NodeId) -> Option<Place> {
        self.places.lock().get(&node).cloned()
    }

    fn complete(&self, _: NodeId, upload: &str) -> Result<()> {
        self.completed.lock().push(upload.to_owned());
        Ok(())
    }
}

pub(super) struct Site {
    pub(super) volume: Arc<Volume>,
    pub(super) loads: Arc<Loads>,
    pub(super) table: Arc<Table>,
    /// What the volume reads through.
    pub(super) bucket: Bucket,
    /// The same without the network in between.
    pub(super) direct: Bucket,
    pub(super) faults: Faults,
}

fn options(access: &Access, bucket: &str) -> BucketOptions {
    BucketOptions {
        bucket: bucket.to_owned(),
        endpoint: Some(access.endpoint.clone()),
        region: Some(access.region.clone()),
        credentials: Some((access.access_key.clone(), access.secret_key.clone())),
        request_timeout: Duration::from_secs(3),
        attempts: 3,
        first_pause: Duration::from_millis(5),
        ..BucketOptions::default()
    }
}

impl Site {
    /// One whose requests go through a network that can be spoiled.
    pub(super) fn new(access: &Access, memory: u64) -> Self {
        let faults = Faults::to(&access.endpoint);
        let through = access.through(faults.endpoint());
        Self::with(access, &through, faults, memory)
    }

    /// One without a network in between, to be measured.
    pub(super) fn fast(access: &Access, memory: u64) -> Self {
        Self::with(access, access, Faults::to(&access.endpoint), memory)
    }

    fn with(access: &Access, through: &Access, faults: Faults, memory: u64) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("loads-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        access.make_bucket(&name);
        let direct = BucketOptions { request_timeout: Duration::from_secs(60), ..options(access, &name) };
        let direct = wait(Bucket::connect(direct)).unwrap();
        let bucket = wait(Bucket::connect(options(through, &name))).unwrap();
        let volume = Volume::new(VolumeOptions {
            limits: Limits { bytes: 1 << 50, ..Limits::default() },
            ..VolumeOptions::default()
        });
        let table = Arc::new(Table::default());
        let places: Arc<dyn Places> = table.clone();
        let limits = LoadLimits { memory, parallel: 16 };
        let handle = runtime().handle().clone();
        let loads = Loads::new(Arc::downgrade(&volume), bucket.clone(), handle, Arc::downgrade(&places), limits);
        volume.set_content_source(loads.clone()).unwrap();
        Self { volume, loads, table, bucket, direct, faults }
    }

    pub(super) fn put(&self, key: &str, bytes: impl Into<Bytes>) -> Etag {
        wait(self.direct.put(key, bytes.into(), &Metadata::new(), &Condition::Always)).unwrap()
    }

    /// A file that is an object of the bucket, and nothing of which is in
    /// memory.
    pub(super) fn file(&self, name: &str, bytes: &[u8]) -> NodeId {
        let etag = self.put(name, bytes.to_vec());
        let size = bytes.len() as u64;
        let all = 0..size;
        let ranges = std::slice::from_ref(&all);
        self.adopt(name, place(name, &etag, size), if size == 0 { &[] } else { ranges })
    }

    /// The same, with holes.
    pub(super) fn sparse(&self, name: &str, map: SparseMap, data: impl Fn(Range<u64>) -> Vec<u8>) -> NodeId {
        let mut object = vec![7; map.header_size() as usize];
        for range in map.ranges() {
            object.extend(data(range));
        }
        let etag = self.put(name, object);
        let ranges: Vec<_> = map.ranges().collect();
        let place = place(name, &etag, map.size());
        self.adopt(name, Place { sparse: Some(Arc::new(map)), ..place }, &ranges)
    }

    /// A file that is all of an object.
    pub(super) fn file_of(&self, name: &str, place: Place) -> NodeId {
        let all = 0..place.size;
        self.adopt(name, place, std::slice::from_ref(&all))
    }

    /// A copy that a server makes in parts; the old object stays.
    pub(super) fn move_in_parts(&self, from: &str, etag: &Etag, to: &str, size: u64) -> Etag {
        wait(async {
            let upload = self.direct.start_upload(to, &Metadata::new()).await.unwrap();
            let mut parts = Vec::new();
            for (number, start) in (1..).zip((0..size).step_by(8 << 20)) {
                let range = start..size.min(start + (8 << 20));
                parts.push(self.direct.copy_part(&upload, number, from, etag, range).await.unwrap());
            }
            self.direct.complete_upload(&upload, &parts, &Condition::Always).await.unwrap()
        })
    }

    fn adopt(&self, name: &str, place: Place, ranges: &[Range<u64>]) -> NodeId {
        let (size, version) = (place.size, place.version.clone());
        let entry = AdoptedEntry {
            name: name.into(),
            what: Adopted::File { size, version, ranges: ranges.into() },
            mode: 0o644,
            accessed: NOW,
            modified: NOW,
            changed: NOW,
        };
        let node = self.volume.adopt(self.volume.root_id(), &entry).unwrap();
        self.table.places.lock().insert(node, place);
        node
    }

    pub(super) fn open(&self, name: &str) -> Descriptor {
        let root = View::new(&self.volume, Rights::READ_WRITE).unwrap().root().unwrap();
        let flags = DescriptorFlags::READ | DescriptorFlags::WRITE;
        root.open_at(NOW, Follow::No, name, OpenFlags::empty(), flags).unwrap()
    }

    /// GetObject requests so far.
    pub(super) fn gets(&self) -> u64 {
        self.bucket.requests().of(Operation::GetObject)
    }

    /// Bytes of chunks that the volume has in memory, as its files tell.
    pub(super) fn resident(&self, node: NodeId) -> u64 {
        let states = self.volume.chunk_states(node).unwrap();
        let is_here = |state: &larder_core::ChunkState| {
            matches!(state, larder_core::ChunkState::Clean(_) | larder_core::ChunkState::Dirty)
        };
        states.iter().filter(|(_, state)| is_here(state)).count() as u64 * CHUNK
    }

    /// Waits until no download is under way.
    pub(super) fn settle(&self) {
        eventually("downloads end", || self.loads.flights.files() == 0);
    }
}

pub(super) fn place(key: &str, etag: &Etag, size: u64) -> Place {
    Place { key: key.into(), etag: etag.clone(), version: etag.clone(), size, sparse: None, foreign: None }
}

#[track_caller]
pub(super) fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Bytes that differ from place to place.
pub(super) fn content(length: u64, seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut bytes = vec![0; length as usize];
    random.fill(&mut bytes);
    bytes
}

/// Reads all of a file in steps, and compares.
#[track_caller]
pub(super) fn reads_back(file: &Descriptor, bytes: &[u8], step: usize) {
    let mut at = 0;
    while at < bytes.len() {
        let got = file.read(at as u64, step).unwrap().into_bytes();
        assert!(!got.is_empty());
        assert!(got[..] == bytes[at..at + got.len()], "at {at}");
        at += got.len();
    }
    assert!(file.read(at as u64, step).unwrap().into_bytes().is_empty());
}
