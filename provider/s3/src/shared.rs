//! What the parts of an open volume share.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};

use larder_bucket::Bucket;
use larder_core::{NodeId, Timestamp, Volume};
use parking_lot::Mutex;

use crate::catalogue::{Catalogue, Known};
use crate::changes::Changes;
use crate::commit::ahead::Aheads;
use crate::layout::{KeySpace, LinkId};
use crate::mirror::Mirror;
use crate::options::S3Options;
use crate::place::Place;
use crate::session::Session;
use crate::status::Status;

/// What a backend is about to bring in under a name; taken out when the volume
/// says that it did, under the volume's locks.
#[derive(Clone, Debug)]
pub(crate) struct Incoming {
    pub(crate) is_directory: bool,
    /// The objects that stand for it: key and etag. The first one of a file
    /// has its content.
    pub(crate) keys: Vec<(Arc<str>, larder_bucket::Etag)>,
    /// Where a file's or link's content is; `None` for directories and for
    /// names of inodes that are known.
    pub(crate) place: Option<Place>,
    pub(crate) link: Option<LinkId>,
    /// A directory with an object for its attributes (the last of `keys`).
    pub(crate) is_described: bool,
    /// `None` for the entries of a directory that is being listed.
    pub(crate) expected: Option<Expected>,
}

/// What a name stood for when the bucket was asked. If it stands for something
/// else by now, the bucket's answer may be the older one.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) node: Option<NodeId>,
    /// What the catalogue had of the file's key.
    pub(crate) etag: Option<larder_bucket::Etag>,
}

/// What changes together. The volume waits for it with its own locks held: it
/// is not held while the volume is called, but while it is at rest. Whoever
/// waits for the bucket's progress takes it; who has it does not ask for that.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) mirror: Mirror,
    pub(crate) catalogue: Catalogue,
    pub(crate) changes: Changes,
    pub(crate) ahead: Aheads,
    pub(crate) incoming: HashMap<(NodeId, Arc<str>), Incoming>,
    /// Keys that the group under way changes: nobody else brings anything in
    /// there.
    pub(crate) busy: HashSet<Arc<str>>,
    /// Paths at which another client's version takes the place of ours, which
    /// has another name by now.
    pub(crate) yielding: HashSet<String>,
}

impl State {
    /// Notes what came in under a name, or that the name is gone.
    pub(crate) fn adopted(&mut self, keys: &KeySpace, directory: NodeId, name: &str, node: Option<NodeId>) {
        let old = self.mirror.lookup(directory, name);
        if let (Some(path), Some(_)) = (self.mirror.path_of(directory, name), old) {
            // What the name stood for is another client's by now.
            for key in [keys.file_key(&path), keys.marker_key(&path)].into_iter().flatten() {
                self.catalogue.remove_key(&key);
            }
        }
        if let Some(old) = old
            && Some(old) != node
        {
            self.mirror.take(directory, name);
            if self.mirror.names(old).next().is_none() {
                // Nobody can load what the bucket does not have any more.
                self.catalogue.forget(old);
            } else {
                self.replace_place(keys, old);
            }
        }
        let Some(node) = node else { return };
        let Some(incoming) = self.incoming.remove(&(directory, Arc::from(name))) else { return };
        self.mirror.add(directory, name, node, incoming.is_directory);
        let known = self.catalogue.place(node).map(|place| Arc::clone(&place.version));
        let version = incoming.place.as_ref().map(|place| Arc::clone(&place.version)).or(known);
        for (key, etag) in &incoming.keys {
            let version = version.clone().unwrap_or_else(|| "".into());
            self.catalogue.set_key(key, Known { etag: etag.clone(), node, version });
        }
        if let Some(place) = incoming.place {
            self.catalogue.set_place(node, place);
        }
        if let Some(link) = incoming.link {
            self.catalogue.set_link(node, link);
        }
        if incoming.is_described {
            self.catalogue.set_described(node);
        }
    }

    /// Finds another name's object for a file's content, where the one that it
    /// was loaded from is another file's by now.
    fn replace_place(&mut self, keys: &KeySpace, node: NodeId) {
        let Some(place) = self.catalogue.place(node) else { return };
        if self.catalogue.key(&place.key).is_some() {
            return;
        }
        let names = self.mirror.paths(node).into_iter().filter_map(|path| keys.file_key(&path).ok());
        let same = names.into_iter().find(|key| self.catalogue.key(key).is_some_and(|known| known.etag == place.etag));
        if let Some(key) = same {
            let place = Place { key: key.into(), ..place.clone() };
            self.catalogue.set_place(node, place);
        }
    }

    /// Whether a name has changes that the bucket does not have, so that
    /// nothing may come in there.
    pub(crate) fn is_changed(&self, keys: &KeySpace, directory: NodeId, name: &str, named: Option<NodeId>) -> bool {
        let Some(path) = self.mirror.path_of(directory, name) else { return true };
        if self.yielding.contains(&path) {
            return false;
        }
        if named.is_some_and(|node| self.changes.nodes.contains_key(&node)) {
            return true;
        }
        if let Some(incoming) = self.incoming.get(&(directory, Arc::from(name)))
            && let Some(expected) = &incoming.expected
        {
            let known = keys.file_key(&path).ok().and_then(|key| self.catalogue.key(&key));
            if named != expected.node || known.map(|known| &known.etag) != expected.etag.as_ref() {
                return true;
            }
        }
        let is_busy = |key: Result<String, _>| key.is_ok_and(|key| self.busy.contains(&*key));
        self.changes.paths.contains(&path) || is_busy(keys.file_key(&path)) || is_busy(keys.marker_key(&path))
    }
}

/// What is counted, for the status.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) listed_directories: AtomicU64,
    pub(crate) listed_objects: AtomicU64,
    pub(crate) unlisted_directories: AtomicU64,
    pub(crate) external_changes: AtomicU64,
    pub(crate) conflicts: AtomicU64,
    pub(crate) foreign: AtomicU64,
    pub(crate) uploaded_bytes: AtomicU64,
    conflict_reports: Mutex<Vec<String>>,
    foreign_keys: Mutex<std::collections::BTreeSet<String>>,
}

impl Counters {
    /// Reports a conflict, in a sentence.
    pub(crate) fn conflict(&self, report: String) {
        tracing::warn!("{report}");
        self.conflicts.fetch_add(1, Relaxed);
        let mut reports = self.conflict_reports.lock();
        if reports.len() >= Status::MOST_REPORTS {
            reports.remove(0);
        }
        reports.push(report);
    }

    /// Reports a key that is left alone, in a sentence, once.
    pub(crate) fn foreign_key(&self, report: String) {
        let mut keys = self.foreign_keys.lock();
        if keys.contains(&report) {
            return;
        }
        self.foreign.fetch_add(1, Relaxed);
        if keys.len() < Status::MOST_REPORTS {
            tracing::warn!("{report}");
            keys.insert(report);
        }
    }

    /// Fills the counters in.
    pub(crate) fn tell(&self, status: &mut Status) {
        status.listed_directories = self.listed_directories.load(Relaxed);
        status.listed_objects = self.listed_objects.load(Relaxed);
        status.unlisted_directories = self.unlisted_directories.load(Relaxed);
        status.external_changes = self.external_changes.load(Relaxed);
        status.conflicts = self.conflicts.load(Relaxed);
        status.foreign = self.foreign.load(Relaxed);
        status.uploaded_bytes = self.uploaded_bytes.load(Relaxed);
        status.conflict_reports = self.conflict_reports.lock().clone();
        status.foreign_keys = self.foreign_keys.lock().iter().cloned().collect();
    }
}

/// What the parts of an open volume share.
pub(crate) struct Shared {
    pub(crate) options: S3Options,
    pub(crate) keys: KeySpace,
    pub(crate) bucket: Bucket,
    /// The volume has us as its observer, and is not kept by us.
    pub(crate) volume: Weak<Volume>,
    pub(crate) runtime: tokio::runtime::Handle,
    /// Who writes.
    pub(crate) session: Session,
    pub(crate) state: Mutex<State>,
    pub(crate) counters: Counters,
    /// Held while a group goes to the bucket, and while what the bucket has is
    /// compared with what it should have.
    pub(crate) turn: tokio::sync::Mutex<()>,
}

/// The time now.
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp { seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX), nanoseconds: since.subsec_nanos() }
}
