//! A store that notes which calls it gets, and that can be killed.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "not every test uses all; a test fails by panicking"
)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use larder_core::{
    DescriptorFlags, ErrorCode, Follow, Limits, OpenFlags, Rights, SetTime, Timestamp, View, Volume, VolumeOptions,
};
use larder_store_client::{Client, File, Options};
use larder_store_service::{
    Answer, Attributes, Call, Change, Content, Entry, NewNode, Node, Opened, Opening, Place, Removal, Service, Session,
    Store, Welcome,
};

pub const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

#[derive(Default)]
pub struct Log {
    made: Mutex<Vec<&'static str>>,
    content: AtomicUsize,
    dead: AtomicBool,
}

pub struct Counted {
    session: Session,
    log: Arc<Log>,
    late: bool,
}

impl Counted {
    fn note(&self, name: &'static str) -> Answer<()> {
        self.log.made.lock().unwrap().push(name);
        if self.log.dead.load(Ordering::Relaxed) { Err(ErrorCode::Io) } else { Ok(()) }
    }
}

impl Store for Counted {
    fn begin(&self, version: u32) -> Answer<Welcome> {
        self.note("begin")?;
        self.session.begin(version)
    }
    fn open(&self, call: &Call, at: Place<'_>, how: Opening) -> Answer<Opened> {
        self.note("open")?;
        let opened = self.session.open(call, at, how)?;
        self.log.content.fetch_add(opened.content.as_ref().map_or(0, |c| c.bytes.len()), Ordering::Relaxed);
        Ok(opened)
    }
    fn read(&self, call: &Call, node: Node, offset: u64, length: u32) -> Answer<Content> {
        self.note("read")?;
        self.session.read(call, node, offset, length)
    }
    fn commit(&self, call: &Call, change: &Change<'_>) -> Answer<Attributes> {
        self.note("commit")?;
        self.session.commit(call, change)
    }
    fn stat(&self, call: &Call, node: Node) -> Answer<Attributes> {
        self.note("stat")?;
        self.session.stat(call, node)
    }
    fn stat_at(&self, call: &Call, at: Place<'_>, follow: Follow) -> Answer<Attributes> {
        self.note("stat-at")?;
        self.session.stat_at(call, at, follow)
    }
    fn set_times_at(&self, call: &Call, at: Place<'_>, follow: Follow, a: SetTime, m: SetTime) -> Answer<()> {
        self.note("set-times-at")?;
        self.session.set_times_at(call, at, follow, a, m)
    }
    fn list(&self, call: &Call, directory: Node, after: u64, most: u32) -> Answer<Vec<Entry>> {
        self.note("list")?;
        self.session.list(call, directory, after, most)
    }
    fn make(&self, call: &Call, at: Place<'_>, what: NewNode<'_>) -> Answer<Attributes> {
        self.note("make")?;
        self.session.make(call, at, what)
    }
    fn read_link(&self, call: &Call, at: Place<'_>) -> Answer<String> {
        self.note("read-link")?;
        self.session.read_link(call, at)
    }
    fn remove(&self, call: &Call, at: Place<'_>, what: Removal) -> Answer<()> {
        self.note("remove")?;
        self.session.remove(call, at, what)
    }
    fn rename(&self, call: &Call, old: Place<'_>, new: Place<'_>) -> Answer<()> {
        self.note("rename")?;
        self.session.rename(call, old, new)
    }
    fn link(&self, call: &Call, old: Place<'_>, follow: Follow, new: Place<'_>) -> Answer<()> {
        self.note("link")?;
        self.session.link(call, old, follow, new)
    }
    fn settle(&self, call: &Call, sync: bool) -> Answer<()> {
        self.note("settle")?;
        self.session.settle(call, sync)
    }
    fn lock(&self, call: &Call, node: Node, shared: bool) -> Answer<u64> {
        self.note("lock")?;
        self.session.lock(call, node, shared)
    }
    fn paths(&self) -> Option<Vec<String>> {
        self.late.then(|| vec!["/".to_owned()])
    }
    fn begin_open(&self, version: u32, path: &str, how: Opening) -> Answer<(Welcome, Answer<Opened>)> {
        self.note("begin-open")?;
        let welcome = self.session.begin(version)?;
        let call = Call { session: welcome.session, operation: 1, notes: Vec::new() };
        let opened = self.session.open(&call, Place { directory: welcome.mounts[0].root.node, path }, how);
        Ok((welcome, opened))
    }
    fn unlock(&self, call: &Call, node: Node) -> Answer<()> {
        self.note("unlock")?;
        self.session.unlock(call, node)
    }
}

/// A volume, a service of it, and one client.
pub struct World {
    pub volume: Arc<Volume>,
    pub view: View,
    pub client: Client<Counted>,
    log: Arc<Log>,
}

pub fn open_flags() -> OpenFlags {
    OpenFlags::CREATE | OpenFlags::TRUNCATE
}

impl World {
    pub fn new() -> Self {
        Self::with(Limits::default())
    }

    /// The session begins with the first call.
    pub fn begun_late() -> Self {
        Self::of(Limits::default(), true)
    }

    pub fn with(limits: Limits) -> Self {
        Self::of(limits, false)
    }

    fn of(limits: Limits, late: bool) -> Self {
        let volume = Volume::new(VolumeOptions { name: "v".into(), limits, generation: 1, now: NOW });
        let view = View::new(&volume, Rights::READ_WRITE).unwrap();
        let service = Service::new(Arc::new(|| NOW)).mount(&view, "/").unwrap();
        let log = Arc::new(Log::default());
        let store = Counted { session: Arc::new(service).session(), log: Arc::clone(&log), late };
        let client = Client::new(store, Options { write_behind: true, cache: true });
        Self { volume, view, client, log }
    }

    pub fn root(&self) -> File<Counted> {
        self.client.roots().unwrap().remove(0).0
    }

    /// From now on every call fails.
    pub fn kill(&self) {
        self.log.dead.store(true, Ordering::Relaxed);
    }

    pub fn revive(&self) {
        self.log.dead.store(false, Ordering::Relaxed);
    }

    pub fn reset(&self) {
        self.log.made.lock().unwrap().clear();
        self.log.content.store(0, Ordering::Relaxed);
    }

    pub fn made(&self) -> Vec<&'static str> {
        self.log.made.lock().unwrap().clone()
    }

    pub fn content_bytes(&self) -> usize {
        self.log.content.load(Ordering::Relaxed)
    }

    /// The calls that `work` makes.
    pub fn calls(&self, work: impl FnOnce()) -> Vec<&'static str> {
        self.reset();
        work();
        self.made()
    }

    pub fn put(&self, path: &str, content: &[u8]) {
        let root = self.view.root().unwrap();
        let file = root.open_at(NOW, Follow::Yes, path, open_flags(), DescriptorFlags::WRITE).unwrap();
        file.write(NOW, 0, content).unwrap();
    }

    /// As somebody else does it.
    pub fn make_directory(&self, path: &str) {
        self.view.root().unwrap().create_directory_at(NOW, path).unwrap();
    }

    pub fn get(&self, path: &str) -> Vec<u8> {
        let root = self.view.root().unwrap();
        let file = root.open_at(NOW, Follow::Yes, path, OpenFlags::empty(), DescriptorFlags::READ).unwrap();
        file.read(0, 16 << 20).unwrap().into_bytes().to_vec()
    }

    pub fn exists(&self, path: &str) -> bool {
        self.view.root().unwrap().stat_at(Follow::No, path).is_ok()
    }
}
