//! A volume with its server, and sessions that number their calls.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use larder_core::{DescriptorFlags, ErrorCode, Follow, Limits, OpenFlags, Rights, View, Volume, VolumeOptions};
use larder_nats_client::{Address, NatsStore, Options};
use larder_nats_server::{ServedVolume, Server};
use larder_store_service::{
    Call, Change, Node, Note, Opening, Place, Position, Store, Target, VERSION, Welcome, Write,
};
use larder_suite::START;
use larder_test_nats::Nats;

use super::nats::{self, shared, stop, unique};

pub const LEASE: Duration = Duration::from_secs(30);

/// Longer than any of these tests takes, but for those that wait for it.
pub const DEADLINE: Duration = Duration::from_secs(20);

pub fn options() -> Options {
    Options { deadline: DEADLINE, ..Options::default() }
}

pub fn short() -> Options {
    Options { deadline: Duration::from_millis(700), ..Options::default() }
}

pub struct World {
    pub name: String,
    pub volume: Arc<Volume>,
    pub server: Option<Server>,
}

impl World {
    pub fn new() -> Self {
        Self::with_lease(LEASE)
    }

    pub fn with_lease(lease: Duration) -> Self {
        let options = VolumeOptions { limits: Limits::default(), now: START, ..VolumeOptions::default() };
        let mut world = Self { name: unique("volume"), volume: Volume::new(options), server: None };
        world.serve(shared(), lease);
        world
    }

    pub fn serve(&mut self, nats: &Nats, lease: Duration) {
        self.server = Some(nats::serve(nats, self.served(), Arc::new(|| START), lease));
    }

    pub fn served(&self) -> Vec<ServedVolume> {
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

    pub fn content(&self, path: &str) -> Vec<u8> {
        let root = View::new(&self.volume, Rights::READ_WRITE).unwrap().root().unwrap();
        let file = root.open_at(START, Follow::Yes, path, OpenFlags::empty(), DescriptorFlags::READ).unwrap();
        file.read(0, 16 << 20).unwrap().into_bytes().to_vec()
    }

    pub fn exists(&self, path: &str) -> bool {
        let root = View::new(&self.volume, Rights::READ_WRITE).unwrap().root().unwrap();
        root.stat_at(Follow::No, path).is_ok()
    }
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
    let until = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < until, "not in 20 seconds: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
