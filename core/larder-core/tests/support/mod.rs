//! What the tests of the hooks share: an observer that keeps what it is told,
//! a backend of byte vectors, a generator of random numbers.
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::missing_panics_doc, clippy::cast_possible_truncation, reason = "tests")]

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use larder_core::{
    Adopted, AdoptedEntry, Change, ContentSource, Context, Error, ErrorCode, Lister, Made, NodeId, Observer, Operation,
    Proposal, Reply, Result, SetTime, Settling, Timestamp, Volume,
};

/// The time of everything that does not ask for another one.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_000);

pub(crate) fn context() -> Context {
    Context::at(NOW)
}

/// Splitmix64: the same numbers for the same seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let first = self.next();
        (0..length as u64).map(|at| (first.wrapping_add(at * 7) % 251) as u8 + 1).collect()
    }
}

/// A [`Change`] of one's own, with its context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Noted {
    Create { directory: NodeId, name: String, node: NodeId, made: NotedMade, open: bool },
    Link { node: NodeId, directory: NodeId, name: String },
    Remove { node: NodeId, directory: NodeId, name: String },
    Rename { node: NodeId, from: NodeId, from_name: String, to: NodeId, to_name: String, replaced: Option<NodeId> },
    Write { node: NodeId, offset: u64, data: Bytes },
    SetSize { node: NodeId, size: u64 },
    SetTimes { node: NodeId, accessed: SetTime, modified: SetTime },
    SetMode { node: NodeId, mode: u32 },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotedMade {
    File { mode: u32 },
    Directory { mode: u32 },
    Symlink { target: String },
}

fn noted(change: &Change<'_>) -> Noted {
    match *change {
        Change::Create { directory, name, node, made, open } => {
            let made = match made {
                Made::File { mode } => NotedMade::File { mode },
                Made::Directory { mode } => NotedMade::Directory { mode },
                Made::Symlink { target } => NotedMade::Symlink { target: target.into() },
            };
            Noted::Create { directory, name: name.into(), node, made, open }
        }
        Change::Link { node, directory, name } => Noted::Link { node, directory, name: name.into() },
        Change::Remove { node, directory, name } => Noted::Remove { node, directory, name: name.into() },
        Change::Rename { node, from, from_name, to, to_name, replaced } => {
            Noted::Rename { node, from, from_name: from_name.into(), to, to_name: to_name.into(), replaced }
        }
        Change::Write { node, offset, data } => {
            let mut bytes = Vec::with_capacity(data.len());
            data.append_to(0..data.len(), &mut bytes);
            let mut again = vec![0; data.len()];
            data.copy_to(0, &mut again);
            assert_eq!(bytes, again);
            Noted::Write { node, offset, data: bytes.into() }
        }
        Change::SetSize { node, size } => Noted::SetSize { node, size },
        Change::SetTimes { node, accessed, modified } => Noted::SetTimes { node, accessed, modified },
        Change::SetMode { node, mode } => Noted::SetMode { node, mode },
    }
}

impl Noted {
    /// The operation that makes the change again, and its context.
    pub(crate) fn operation(&self, context: &Context) -> (Context, Operation) {
        let mut context = Context { node: None, ..*context };
        let operation = match self.clone() {
            Self::Create { directory, name, node, made, .. } => {
                context.node = Some(node);
                match made {
                    NotedMade::File { mode } => Operation::CreateFile { directory, name, mode },
                    NotedMade::Directory { mode } => Operation::CreateDirectory { directory, name, mode },
                    NotedMade::Symlink { target } => Operation::CreateSymlink { directory, name, target },
                }
            }
            Self::Link { node, directory, name } => Operation::Link { node, directory, name },
            Self::Remove { node, directory, name } => {
                // Which of the two is asked of the volume.
                let _ = node;
                Operation::Unlink { directory, name }
            }
            Self::Rename { from, from_name, to, to_name, .. } => Operation::Rename { from, from_name, to, to_name },
            Self::Write { node, offset, data } => Operation::Write { node, offset, data },
            Self::SetSize { node, size } => Operation::SetSize { node, size },
            Self::SetTimes { node, accessed, modified } => Operation::SetTimes { node, accessed, modified },
            Self::SetMode { node, mode } => Operation::SetMode { node, mode },
        };
        (context, operation)
    }

    /// Makes the change again.
    pub(crate) fn replay(&self, volume: &Arc<Volume>, context: &Context) -> Result<()> {
        let (context, operation) = self.operation(context);
        match volume.apply(&context, &operation) {
            Err(error) if error.code() == ErrorCode::IsDirectory => {
                let Operation::Unlink { directory, name } = operation else { return Err(error) };
                volume.apply(&context, &Operation::RemoveDirectory { directory, name }).map(drop)
            }
            done => done.map(drop),
        }
    }
}

pub(crate) type RecordHook = Box<dyn FnOnce(&Noted) + Send>;
pub(crate) type CompleteHook = Box<dyn FnOnce(&str) -> Result<()> + Send>;

/// Keeps what it is told, and refuses what it is asked to refuse.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) records: Mutex<Vec<(Context, Noted)>>,
    pub(crate) admitted: Mutex<Vec<String>>,
    pub(crate) settled: Mutex<Vec<Settling>>,
    pub(crate) closed: Mutex<Vec<NodeId>>,
    pub(crate) opened: Mutex<Vec<(NodeId, String)>>,
    pub(crate) refuse: Mutex<Option<ErrorCode>>,
    pub(crate) unsettled: Mutex<Option<ErrorCode>>,
    /// Run by the next `opening`, which answers true.
    pub(crate) on_opening: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// Run by the next `record`.
    pub(crate) on_record: Mutex<Option<RecordHook>>,
}

impl Recorder {
    pub(crate) fn of(volume: &Arc<Volume>) -> Arc<Self> {
        let recorder = Arc::new(Self::default());
        volume.set_observer(recorder.clone()).unwrap();
        recorder
    }

    /// What was recorded since the last time.
    pub(crate) fn take(&self) -> Vec<Noted> {
        self.records.lock().unwrap().drain(..).map(|(_, change)| change).collect()
    }
}

fn refusal(code: Option<ErrorCode>, operation: &'static str) -> Result<()> {
    code.map_or(Ok(()), |code| Err(Error::new(code, operation)))
}

impl Observer for Recorder {
    fn admit(&self, proposal: Proposal<'_>) -> Result<()> {
        self.admitted.lock().unwrap().push(format!("{proposal:?}"));
        refusal(*self.refuse.lock().unwrap(), "admit")
    }

    fn record(&self, context: &Context, change: Change<'_>) {
        let change = noted(&change);
        let hook = self.on_record.lock().unwrap().take();
        if let Some(hook) = hook {
            hook(&change);
        }
        self.records.lock().unwrap().push((*context, change));
    }

    fn settle(&self, settling: Settling) -> Result<()> {
        self.settled.lock().unwrap().push(settling);
        refusal(*self.unsettled.lock().unwrap(), "settle")
    }

    fn closed(&self, node: NodeId) {
        self.closed.lock().unwrap().push(node);
    }

    fn opening(&self, directory: NodeId, name: &str) -> Result<bool> {
        self.opened.lock().unwrap().push((directory, name.into()));
        let hook = self.on_opening.lock().unwrap().take();
        let changes = hook.is_some();
        if let Some(hook) = hook {
            hook();
        }
        Ok(changes)
    }
}

/// Versions of content as plain bytes.
#[derive(Default)]
pub(crate) struct Versions {
    pub(crate) versions: Mutex<HashMap<String, Vec<u8>>>,
    pub(crate) loads: AtomicU64,
    /// Run by the next load, before it looks for the version.
    pub(crate) on_load: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    pub(crate) on_complete: Mutex<Option<CompleteHook>>,
}

impl Versions {
    pub(crate) fn of(volume: &Arc<Volume>) -> Arc<Self> {
        let versions = Arc::new(Self::default());
        volume.set_content_source(versions.clone()).unwrap();
        versions
    }

    pub(crate) fn put(&self, version: &str, bytes: Vec<u8>) {
        self.versions.lock().unwrap().insert(version.into(), bytes);
    }
}

impl ContentSource for Versions {
    fn load(&self, _: NodeId, version: &str, range: Range<u64>) -> Result<Bytes> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        let hook = self.on_load.lock().unwrap().take();
        if let Some(hook) = hook {
            hook();
        }
        let versions = self.versions.lock().unwrap();
        let Some(bytes) = versions.get(version) else { return Err(Error::new(ErrorCode::Io, "no such version")) };
        let within = range.start as usize..range.end as usize;
        let bytes = bytes.get(within).unwrap_or_else(|| panic!("{range:?} of {} bytes of {version}", bytes.len()));
        Ok(Bytes::copy_from_slice(bytes))
    }

    fn complete(&self, _: NodeId, upload: &str) -> Result<()> {
        let hook = self.on_complete.lock().unwrap().take();
        hook.expect("an upload under way")(upload)
    }
}

/// Lists each directory with what it was given for it.
#[derive(Default)]
pub(crate) struct Listings {
    pub(crate) listings: Mutex<HashMap<NodeId, Vec<AdoptedEntry>>>,
    pub(crate) lists: AtomicU64,
    pub(crate) fail: Mutex<Option<ErrorCode>>,
    volume: std::sync::OnceLock<std::sync::Weak<Volume>>,
}

impl Listings {
    pub(crate) fn of(volume: &Arc<Volume>) -> Arc<Self> {
        let listings = Arc::new(Self::default());
        listings.volume.set(Arc::downgrade(volume)).unwrap();
        volume.set_lister(listings.clone()).unwrap();
        listings
    }

    pub(crate) fn put(&self, directory: NodeId, entries: Vec<AdoptedEntry>) {
        self.listings.lock().unwrap().insert(directory, entries);
    }
}

impl Lister for Listings {
    fn list(&self, directory: NodeId) -> Result<()> {
        self.lists.fetch_add(1, Ordering::Relaxed);
        refusal(*self.fail.lock().unwrap(), "list")?;
        let entries = self.listings.lock().unwrap().get(&directory).cloned().unwrap_or_default();
        self.volume.get().unwrap().upgrade().unwrap().adopt_listing(directory, &entries).map(drop)
    }
}

pub(crate) fn entry(name: &str, what: Adopted) -> AdoptedEntry {
    AdoptedEntry { name: name.into(), what, mode: 0o640, accessed: NOW, modified: NOW, changed: NOW }
}

/// A file that has bytes in these ranges.
pub(crate) fn away(size: u64, version: &str, ranges: &[Range<u64>]) -> Adopted {
    Adopted::File { size, version: version.into(), ranges: ranges.into() }
}

/// A file all of whose bytes are there.
pub(crate) fn whole(size: u64, version: &str) -> Adopted {
    let range = 0..size;
    away(size, version, if size == 0 { &[] } else { std::slice::from_ref(&range) })
}

pub(crate) fn snapshot(volume: &Volume) -> Vec<u8> {
    let mut out = Vec::new();
    volume.freeze().unwrap().write_to(&mut out).unwrap();
    out
}

#[track_caller]
pub(crate) fn node(reply: Result<Reply>) -> NodeId {
    match reply.unwrap() {
        Reply::Node(attributes) => attributes.id,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn lookup(volume: &Arc<Volume>, directory: NodeId, name: &str) -> Result<NodeId> {
    match volume.apply(&context(), &Operation::Lookup { directory, name: name.into() })? {
        Reply::Node(attributes) => Ok(attributes.id),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn create(volume: &Arc<Volume>, directory: NodeId, name: &str) -> NodeId {
    node(volume.apply(&context(), &Operation::CreateFile { directory, name: name.into(), mode: 0o644 }))
}

#[track_caller]
pub(crate) fn make_directory(volume: &Arc<Volume>, directory: NodeId, name: &str) -> NodeId {
    node(volume.apply(&context(), &Operation::CreateDirectory { directory, name: name.into(), mode: 0o755 }))
}

pub(crate) fn write(volume: &Arc<Volume>, node: NodeId, offset: u64, data: &[u8]) -> Result<()> {
    let data = Bytes::copy_from_slice(data);
    volume.apply(&context(), &Operation::Write { node, offset, data }).map(drop)
}

pub(crate) fn set_size(volume: &Arc<Volume>, node: NodeId, size: u64) -> Result<()> {
    volume.apply(&context(), &Operation::SetSize { node, size }).map(drop)
}

pub(crate) fn read(volume: &Arc<Volume>, node: NodeId, offset: u64, length: u32) -> Result<Bytes> {
    match volume.apply(&context(), &Operation::Read { node, offset, length })? {
        Reply::Data(data) => Ok(data),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn names(volume: &Arc<Volume>, directory: NodeId) -> Result<Vec<String>> {
    match volume.apply(&context(), &Operation::ReadDirectory { directory, after: 0, max: 4096 })? {
        Reply::Entries(entries) => Ok(entries.iter().map(|entry| entry.name.to_string()).collect()),
        other => panic!("{other:?}"),
    }
}

/// The ledger is right; without the listing of what nobody looked into yet,
/// which `recount` would do.
#[track_caller]
pub(crate) fn balanced(volume: &Volume) {
    assert_eq!(volume.recount(), volume.usage());
}

#[track_caller]
pub(crate) fn fails<T: std::fmt::Debug>(done: Result<T>, code: ErrorCode) {
    assert_eq!(done.unwrap_err().code(), code);
}
