//! A volume with its server, and sessions that number their calls.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use async_nats::ConnectOptions;
use larder_core::{DescriptorFlags, ErrorCode, Follow, OpenFlags, Rights, Timestamp, View, Volume, VolumeOptions};
use larder_nats_client::{Address, NatsStore, Options};
use larder_nats_server::{ServedVolume, Server};
use larder_store_service::{
    Call, Change, Node, Note, Opening, Place, Position, Store, Target, VERSION, Welcome, Write,
};
use larder_test_nats::Nats;

use super::nats::{self, shared, stop, unique};

/// The time of all changes: a model that knows no time gives the same answers.
const NOW: Timestamp = Timestamp::UNIX_EPOCH;

pub const LEASE: Duration = Duration::from_secs(30);

/// Longer than any of these tests takes, but for those that wait for it.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// Longest wait for what must come.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub fn options() -> Options {
    Options { deadline: DEADLINE, ..Options::default() }
}

pub fn short() -> Options {
    Options { deadline: Duration::from_millis(700), ..Options::default() }
}

/// A volume and its server; time stands still.
pub struct World {
    pub name: String,
    pub volume: Arc<Volume>,
    pub server: Option<Server>,
}

impl World {
    /// An empty volume on the NATS server that tests share.
    pub fn new() -> Self {
        Self::with_lease(LEASE)
    }

    pub fn with_lease(lease: Duration) -> Self {
        Self::on(shared(), lease)
    }

    pub fn on(nats: &Nats, lease: Duration) -> Self {
        Self::of(empty(), nats, lease)
    }

    pub fn of(volume: Arc<Volume>, nats: &Nats, lease: Duration) -> Self {
        Self::reached(volume, &nats.url(), ConnectOptions::new(), lease)
    }

    /// One whose server reaches NATS there, and logs in so.
    pub fn reached(volume: Arc<Volume>, url: &str, login: ConnectOptions, lease: Duration) -> Self {
        Self::named(unique("volume"), volume, url, login, lease)
    }

    pub fn named(name: String, volume: Arc<Volume>, url: &str, login: ConnectOptions, lease: Duration) -> Self {
        let mut world = Self { name, volume, server: None };
        world.serve_as(url, login, lease);
        world
    }

    /// Serves it again.
    pub fn serve(&mut self, nats: &Nats, lease: Duration) {
        self.serve_as(&nats.url(), ConnectOptions::new(), lease);
    }

    pub fn serve_as(&mut self, url: &str, login: ConnectOptions, lease: Duration) {
        self.server = Some(nats::serve_as(url, login, self.served(), Arc::new(|| NOW), lease));
    }

    fn served(&self) -> Vec<ServedVolume> {
        vec![ServedVolume { name: self.name.clone(), volume: Arc::clone(&self.volume), writable: true }]
    }

    pub fn stop(&mut self) {
        stop(self.server.take().unwrap());
    }

    pub fn sessions(&self) -> usize {
        self.server.as_ref().unwrap().sessions()
    }

    pub fn connect(&self, options: Options) -> Session {
        Session::new(&nats::address(shared(), &self.name), options)
    }

    /// The content of a file, asked of the volume itself.
    pub fn content(&self, path: &str) -> Vec<u8> {
        let root = View::new(&self.volume, Rights::READ_WRITE).unwrap().root().unwrap();
        let file = root.open_at(NOW, Follow::Yes, path, OpenFlags::empty(), DescriptorFlags::READ).unwrap();
        file.read(0, 16 << 20).unwrap().into_bytes().to_vec()
    }

    pub fn exists(&self, path: &str) -> bool {
        let root = View::new(&self.volume, Rights::READ_WRITE).unwrap().root().unwrap();
        root.stat_at(Follow::No, path).is_ok()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            stop(server);
        }
    }
}

/// An empty volume.
pub fn empty() -> Arc<Volume> {
    Volume::new(VolumeOptions { now: NOW, ..VolumeOptions::default() })
}

/// A store, and calls with ascending numbers.
pub struct Session {
    pub store: NatsStore,
    pub welcome: Welcome,
    pub operation: std::sync::atomic::AtomicU64,
}

impl Session {
    pub fn new(address: &Address, options: Options) -> Self {
        let store = NatsStore::connect(address, options).unwrap();
        let welcome = store.begin(VERSION).unwrap();
        Self { store, welcome, operation: 0.into() }
    }

    pub fn call(&self) -> Call {
        self.call_with(Vec::new())
    }

    pub fn call_with(&self, notes: Vec<Note>) -> Call {
        let operation = self.operation.fetch_add(1, Ordering::SeqCst) + 1;
        Call { session: self.welcome.session, operation, notes }
    }

    pub fn root(&self) -> Node {
        self.welcome.mounts[0].root.node
    }

    pub fn at<'p>(&self, path: &'p str) -> Place<'p> {
        Place { directory: self.root(), path }
    }

    pub fn open(&self, path: &str, flags: OpenFlags) -> Node {
        let how = Opening {
            follow: Follow::Yes,
            flags,
            access: DescriptorFlags::READ | DescriptorFlags::WRITE,
            want: 0,
            known: None,
        };
        self.store.open(&self.call(), self.at(path), how).unwrap().attributes.node
    }

    pub fn create(&self, path: &str) -> Node {
        self.open(path, OpenFlags::CREATE)
    }

    pub fn write(&self, node: Node, position: Position, bytes: &[u8]) -> Result<(), ErrorCode> {
        let change = Change { writes: vec![Write { position, bytes }], ..Change::of(Target::Node(node)) };
        self.store.commit(&self.call(), &change).map(drop)
    }

    pub fn fill(&self, node: Node, content: &[u8]) {
        for (index, piece) in content.chunks(512 << 10).enumerate() {
            self.write(node, Position::At((index * (512 << 10)) as u64), piece).unwrap();
        }
    }

    pub fn read(&self, node: Node, offset: u64, length: u32) -> Vec<u8> {
        self.store.read(&self.call(), node, offset, length).unwrap().bytes.to_vec()
    }
}

pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "not in {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
