//! The client: its session, its calls, and the order of what it deferred.

use std::collections::HashMap;
use std::sync::Arc;

use larder_core::{DescriptorFlags, Error, ErrorCode, FileType, MetadataHash, Result, SetTime};
use larder_store_service::{
    Answer, Attributes, Call, Change, Content, MAX_NOTES, Mount, Node, Note, Opened, Place, Store, Target, VERSION,
    Welcome,
};
use parking_lot::Mutex;

use crate::content::Cached;
use crate::file::{File, NOBODY};
use crate::names::{Known, Names};
use crate::state::{Creation, Inode, Opening};

/// Most bytes of content that a client caches: 8 MiB. Beyond it the cache is
/// emptied; guards the memory of the guest's component.
const MOST_CACHED_BYTES: usize = 8 << 20;

/// Most closed files whose content is kept for the next opening: 1,024. Guards
/// the memory of their bookkeeping.
const MOST_CLOSED_FILES: usize = 1024;

/// Most bytes of writes that wait in a client, all files together: 4 MiB. One
/// file's wait up to what fits in one call.
const MOST_PENDING_BYTES: usize = 4 << 20;

/// How a client behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Writes, and creations that are sure to succeed, wait until the file is
    /// closed or synced. Without it each write is in the store when it
    /// returns. Only for guests whose end is told ([`Client::settle`]):
    /// otherwise what they leave open is lost.
    pub write_behind: bool,
    /// Content and attributes of an earlier answer may answer again, until
    /// the file is opened anew. Without it every question is asked.
    pub cache: bool,
}

/// A guest's view of the store. Cloning names the same client.
///
/// One guest uses it, one call at a time: the lock inside makes it `Send`, and
/// is held while the store is called.
pub struct Client<S: Store> {
    inner: Arc<Mutex<Inner<S>>>,
}

impl<S: Store> Clone for Client<S> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

pub(crate) struct Inner<S: Store> {
    store: S,
    pub(crate) options: Options,
    session: Option<Session>,
    operation: u64,
    notes: Vec<Note>,
    pub(crate) inodes: HashMap<u64, Inode>,
    by_identity: HashMap<MetadataHash, u64>,
    openings: HashMap<u64, Opening>,
    /// Openings of roots from before the session.
    waiting_roots: Vec<u64>,
    next_key: u64,
    /// Inodes with a deferred creation, oldest first.
    creating: Vec<u64>,
    cached_bytes: usize,
    pending_bytes: usize,
    pub(crate) names: Names,
    /// Changes that were made, for what is read ahead.
    pub(crate) changes: u64,
}

pub(crate) struct Session {
    id: u64,
    mounts: Vec<Mounted>,
}

struct Mounted {
    mount: Mount,
    /// A failure that no descriptor is left to report.
    unreported: Option<ErrorCode>,
}

impl Session {
    fn paths(&self) -> Vec<String> {
        self.mounts.iter().map(|mounted| mounted.mount.path.clone()).collect()
    }
}

impl<S: Store> Client<S> {
    /// A client that has asked nothing yet.
    pub fn new(store: S, options: Options) -> Self {
        let inner = Inner {
            store,
            options,
            session: None,
            operation: 0,
            notes: Vec::new(),
            inodes: HashMap::new(),
            by_identity: HashMap::new(),
            openings: HashMap::new(),
            waiting_roots: Vec::new(),
            next_key: 1,
            creating: Vec::new(),
            cached_bytes: 0,
            pending_bytes: 0,
            names: Names::default(),
            changes: 0,
        };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// Descriptors of the granted directories, and where the guest sees them.
    /// The session begins now, or with the first call that takes it where the
    /// store knows the paths without one.
    ///
    /// # Errors
    /// `io` where the store is away, `unsupported` where it speaks another
    /// version.
    pub fn roots(&self) -> Result<Vec<(File<S>, String)>> {
        let mut inner = self.inner.lock();
        let paths = match &inner.session {
            Some(session) => session.paths(),
            None => match inner.store.paths() {
                Some(paths) => paths,
                None => inner.begin().map_err(|code| Error::new(code, "get-directories"))?.paths(),
            },
        };
        let root = |(mount, path)| {
            let opening = inner.open_root(mount);
            (File::root(self.clone(), opening, mount), path)
        };
        Ok((0..).zip(paths).map(root).collect())
    }

    /// Brings everything that waits into the store and lets go of what is not
    /// needed any more. Called at the end of a guest's turn.
    ///
    /// # Errors
    /// The first failure of a deferred change that nobody was told of.
    pub fn settle(&self) -> Result<()> {
        let mut inner = self.inner.lock();
        if inner.session.is_none() {
            return Ok(());
        }
        inner.flush_all();
        let mut failed = None;
        for inode in inner.inodes.values_mut() {
            failed = failed.or(inode.unreported.take());
        }
        for mounted in inner.session.iter_mut().flat_map(|session| &mut session.mounts) {
            failed = failed.or(mounted.unreported.take());
        }
        if !inner.notes.is_empty() {
            let settled = inner.ask(|store, call| store.settle(call, false));
            failed = failed.or(settled.err());
        }
        failed.map_or(Ok(()), |code| Err(Error::new(code, "settle")))
    }

    pub(crate) fn with<T>(&self, call: impl FnOnce(&mut Inner<S>) -> T) -> T {
        call(&mut self.inner.lock())
    }
}

impl<S: Store> Inner<S> {
    pub(crate) fn begin(&mut self) -> Answer<&Session> {
        if self.session.is_none() {
            let welcome = self.store.begin(VERSION)?;
            self.begun(welcome);
        }
        self.session.as_ref().ok_or(ErrorCode::Io)
    }

    /// Begins the session and opens below its only root, in one call; `None`
    /// where it cannot be done so.
    pub(crate) fn begin_open(&mut self, path: &str, how: larder_store_service::Opening) -> Option<Answer<Opened>> {
        let is_first = self.session.is_none() && self.store.paths().is_some_and(|paths| paths.len() == 1);
        if !is_first || how.changes() {
            return None;
        }
        let (welcome, opened) = match self.store.begin_open(VERSION, path, how) {
            Ok(begun) => begun,
            Err(code) => return Some(Err(code)),
        };
        self.operation = 1;
        self.begun(welcome);
        Some(opened)
    }

    /// From now on the roots are known.
    fn begun(&mut self, welcome: Welcome) {
        let mounts = welcome.mounts.into_iter().map(|mount| Mounted { mount, unreported: None }).collect();
        self.session = Some(Session { id: welcome.session, mounts });
        self.find_roots();
    }

    /// Gives openings of roots their nodes, which the session tells.
    fn find_roots(&mut self) {
        for key in std::mem::take(&mut self.waiting_roots) {
            let Some(opening) = self.openings.remove(&key) else { continue };
            self.inodes.remove(&opening.inode);
            if let Some((inode, node)) = self.root_inode(opening.mount) {
                self.openings.insert(key, Opening { inode, node: Some(node), ..opening });
            }
        }
    }

    fn root_inode(&mut self, mount: u32) -> Option<(u64, Node)> {
        let root = self.mounted(mount)?.mount.root.clone();
        let node = root.node;
        let inode = self.inode_of(root);
        self.inodes.get_mut(&inode)?.opens += 1;
        Some((inode, node))
    }

    /// An opening of a root, whose node is known when the session has begun.
    fn open_root(&mut self, mount: u32) -> u64 {
        let inode = self.key();
        self.inodes.insert(inode, Inode::default());
        let opening = self.add_opening(inode, mount, None, false);
        self.waiting_roots.push(opening);
        if self.session.is_some() {
            self.find_roots();
        }
        opening
    }

    /// The identity of a root; that of no inode before the session has begun.
    pub(crate) fn root_identity(&self, mount: u32) -> MetadataHash {
        self.mounted(mount).map_or(NOBODY, |mounted| mounted.mount.root.identity)
    }

    /// What a root allows: nothing where no session can begin.
    pub(crate) fn root_allows(&mut self, mount: u32) -> DescriptorFlags {
        let _ = self.begin();
        self.allows(mount)
    }

    /// One call. What was noted goes with it, and is lost with it: a lost
    /// `closed` keeps a node for the rest of the session.
    pub(crate) fn ask<T>(&mut self, question: impl FnOnce(&S, &Call) -> Answer<T>) -> Answer<T> {
        let session = self.session.as_ref().map_or(0, |session| session.id);
        self.operation += 1;
        let rest = self.notes.split_off(self.notes.len().min(MAX_NOTES));
        let notes = std::mem::replace(&mut self.notes, rest);
        question(&self.store, &Call { session, operation: self.operation, notes })
    }

    /// One call that changes names, or attributes by name.
    pub(crate) fn change<T>(&mut self, question: impl FnOnce(&S, &Call) -> Answer<T>) -> Answer<T> {
        self.names.drop_hints();
        self.changes += 1;
        self.ask(question)
    }

    pub(crate) fn allows(&self, mount: u32) -> DescriptorFlags {
        self.mounted(mount).map_or(DescriptorFlags::empty(), |mounted| mounted.mount.allows)
    }

    fn mounted(&self, mount: u32) -> Option<&Mounted> {
        self.session.as_ref()?.mounts.get(mount as usize)
    }

    /// Reports a failure of something deferred, once: at a descriptor of the
    /// file, or at the next call on the mount when none is left.
    pub(crate) fn report(&mut self, mount: u32, inode: u64) -> Answer<()> {
        if let Some(inode) = self.inodes.get_mut(&inode) {
            if let Some(code) = inode.unreported.take() {
                return Err(code);
            }
            if let Some(code) = inode.broken {
                return Err(code);
            }
        }
        let mounted = self.session.as_mut().and_then(|session| session.mounts.get_mut(mount as usize));
        mounted.and_then(|mounted| mounted.unreported.take()).map_or(Ok(()), Err)
    }

    fn key(&mut self) -> u64 {
        self.next_key += 1;
        self.next_key
    }

    /// The inode that an answer is about, with these attributes from now on.
    pub(crate) fn inode_of(&mut self, attributes: Attributes) -> u64 {
        let identity = attributes.identity;
        let key = match self.by_identity.get(&identity) {
            Some(key) => *key,
            None => self.key(),
        };
        self.by_identity.insert(identity, key);
        let inode = self.inodes.entry(key).or_default();
        inode.attributes = Some(attributes);
        inode.fresh = true;
        key
    }

    /// An inode that is not created yet.
    pub(crate) fn inode_to_create(&mut self, creation: Creation) -> u64 {
        let key = self.key();
        self.inodes.insert(key, Inode { creation: Some(creation), ..Inode::default() });
        self.creating.push(key);
        key
    }

    pub(crate) fn by_identity(&self, identity: MetadataHash) -> Option<&Inode> {
        self.inodes.get(self.by_identity.get(&identity)?)
    }

    pub(crate) fn add_opening(&mut self, inode: u64, mount: u32, node: Option<Node>, held: bool) -> u64 {
        let key = self.key();
        if let Some(inode) = self.inodes.get_mut(&inode) {
            inode.opens += 1;
        }
        let opening = Opening {
            inode,
            mount,
            node,
            held,
            holders: 1,
            touched: false,
            read_before: false,
            page: crate::state::Page::default(),
        };
        self.openings.insert(key, opening);
        key
    }

    pub(crate) fn opening(&mut self, key: u64) -> Answer<&mut Opening> {
        self.openings.get_mut(&key).ok_or(ErrorCode::BadDescriptor)
    }

    pub(crate) fn inode(&mut self, key: u64) -> Answer<&mut Inode> {
        self.inodes.get_mut(&key).ok_or(ErrorCode::BadDescriptor)
    }

    /// The node of an opening, created now if it waits for that.
    pub(crate) fn node(&mut self, opening: u64) -> Answer<Node> {
        let inode = self.opening(opening)?.inode;
        if self.inode(inode)?.creation.is_some() {
            self.flush(inode)?;
        }
        self.opening(opening)?.node.ok_or(ErrorCode::Io)
    }

    /// Ends one descriptor; with the last one of an opening, the opening.
    pub(crate) fn close(&mut self, key: u64) {
        let Some(opening) = self.openings.get_mut(&key) else { return };
        opening.holders -= 1;
        if opening.holders > 0 {
            return;
        }
        let Some(opening) = self.openings.remove(&key) else { return };
        self.waiting_roots.retain(|waiting| *waiting != key);
        self.flush_at_close(&opening);
        if self.creating.iter().any(|key| self.creates_in(*key, opening.node)) {
            self.settle_creations();
        }
        if let Some(node) = opening.node
            && (opening.held || opening.touched)
        {
            self.note(Note { node, read: opening.touched, closed: opening.held });
        }
        if let Some(inode) = self.inodes.get_mut(&opening.inode) {
            inode.opens -= 1;
            if inode.opens == 0 {
                let unreported = inode.unreported.take();
                self.last_close(opening.inode);
                self.blame(opening.mount, unreported);
            }
        }
    }

    /// Whether a deferred creation needs this directory.
    fn creates_in(&self, key: u64, directory: Option<Node>) -> bool {
        let creation = self.inodes.get(&key).and_then(|inode| inode.creation.as_ref());
        creation.is_some_and(|creation| Some(creation.directory) == directory)
    }

    pub(crate) fn note(&mut self, note: Note) {
        self.notes.push(note);
        if self.notes.len() >= MAX_NOTES {
            // The failure of a call that only lets go concerns nobody.
            let _ = self.ask(|store, call| store.settle(call, false));
        }
    }

    /// What was noted, to be told later than the next call.
    pub(crate) fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    /// Closing flushes: what the guest closed is in the store.
    fn flush_at_close(&mut self, opening: &Opening) {
        let Some(inode) = self.inodes.get(&opening.inode) else { return };
        if inode.is_settled() {
            return;
        }
        // The node need not be held where nobody is left to use it.
        let keep = inode.opens > 1;
        if let Err(code) = self.commit(opening.inode, Extra::default(), keep) {
            self.blame(opening.mount, Some(code));
        }
    }

    fn blame(&mut self, mount: u32, code: Option<ErrorCode>) {
        let mounted = self.session.as_mut().and_then(|session| session.mounts.get_mut(mount as usize));
        if let Some(mounted) = mounted {
            mounted.unreported = mounted.unreported.or(code);
        }
    }

    /// Nobody has the inode open: only its content may be of use again.
    fn last_close(&mut self, key: u64) {
        let keep =
            self.inodes.get(&key).is_some_and(|inode| inode.cached_version.is_some() && inode.cached.bytes() > 0);
        if !keep {
            self.forget(key);
        } else if self.inodes.len() > MOST_CLOSED_FILES {
            self.forget_closed(key);
        }
    }

    fn forget_closed(&mut self, but: u64) {
        let closed: Vec<u64> =
            self.inodes.iter().filter(|(key, inode)| inode.opens == 0 && **key != but).map(|(key, _)| *key).collect();
        closed.into_iter().for_each(|key| self.forget(key));
    }

    fn forget(&mut self, key: u64) {
        let Some(inode) = self.inodes.remove(&key) else { return };
        self.pending_bytes = self.pending_bytes.saturating_sub(inode.pending.bytes());
        self.cached_bytes -= inode.cached.bytes();
        if let Some(attributes) = &inode.attributes
            && self.by_identity.get(&attributes.identity) == Some(&key)
        {
            self.by_identity.remove(&attributes.identity);
        }
    }

    /// Changes a file's cache, and keeps the sum.
    pub(crate) fn with_cache<T>(&mut self, key: u64, use_it: impl FnOnce(&mut Cached) -> T) -> Answer<T> {
        let inode = self.inode(key)?;
        let before = inode.cached.bytes();
        let result = use_it(&mut inode.cached);
        let after = inode.cached.bytes();
        self.cached_bytes = self.cached_bytes + after - before;
        Ok(result)
    }

    /// Keeps the content of an answer, within the bound of the whole cache.
    pub(crate) fn keep_content(&mut self, key: u64, offset: u64, content: &Content) -> Answer<()> {
        if self.cached_bytes + content.bytes.len() > MOST_CACHED_BYTES {
            self.forget_closed(key);
            let keys: Vec<u64> = self.inodes.keys().copied().collect();
            for key in keys {
                self.with_cache(key, Cached::clear)?;
            }
        }
        self.with_cache(key, |cached| cached.insert(offset, content))
    }

    pub(crate) fn waits(&mut self, bytes: usize) {
        self.pending_bytes += bytes;
        if self.pending_bytes > MOST_PENDING_BYTES {
            self.flush_all();
        }
    }

    /// Creates what is to be created, in order. A failure waits for the file's
    /// own descriptor.
    pub(crate) fn settle_creations(&mut self) {
        for key in std::mem::take(&mut self.creating) {
            self.flush_later_reported(key);
        }
    }

    /// A lock was taken: what others did before it is to be seen from now on.
    pub(crate) fn forget_cached(&mut self) {
        self.names.forget();
        self.changes += 1;
        for inode in self.inodes.values_mut() {
            inode.fresh = false;
            inode.cached_version = None;
            self.cached_bytes -= inode.cached.bytes();
            inode.cached.clear();
            self.cached_bytes += inode.cached.bytes();
        }
    }

    /// Brings everything that waits into the store, creations first. Failures
    /// wait for the files' own descriptors.
    pub(crate) fn flush_all(&mut self) {
        self.settle_creations();
        let mut waiting: Vec<u64> =
            self.inodes.iter().filter(|(_, inode)| !inode.is_settled()).map(|(key, _)| *key).collect();
        waiting.sort_unstable();
        waiting.into_iter().for_each(|key| self.flush_later_reported(key));
    }

    fn flush_later_reported(&mut self, key: u64) {
        if let Err(code) = self.flush(key)
            && let Some(inode) = self.inodes.get_mut(&key)
        {
            inode.unreported = inode.unreported.or(Some(code));
        }
    }

    /// Brings what waits for this file into the store. A failure drops it: it
    /// is reported once, as POSIX has it.
    pub(crate) fn flush(&mut self, key: u64) -> Answer<()> {
        let Some(inode) = self.inodes.get(&key) else { return Ok(()) };
        if inode.is_settled() {
            return Ok(());
        }
        self.commit(key, Extra::default(), true)
    }

    /// Sends what waits for this file; a failure is told when it is flushed.
    pub(crate) fn flush_ahead(&mut self, key: u64) -> Answer<()> {
        let inode = self.inode(key)?;
        if inode.creation.is_some() || inode.writer.is_none() {
            return self.flush(key);
        }
        self.commit(key, Extra { later: true, ..Extra::default() }, true)
    }

    /// One change with all that waits for this file, and `extra` behind it.
    pub(crate) fn commit(&mut self, key: u64, extra: Extra, keep: bool) -> Answer<()> {
        if extra.size.is_some() {
            self.flush(key)?;
        }
        let inode = self.inode(key)?;
        let pending = std::mem::take(&mut inode.pending);
        let creation = inode.creation.take();
        let writer = inode.writer;
        self.pending_bytes = self.pending_bytes.saturating_sub(pending.bytes());
        let target = match (&creation, writer) {
            (Some(creation), _) => Target::File(Place { directory: creation.directory, path: &creation.path }),
            (None, Some(node)) => Target::Node(node),
            (None, None) => return Err(ErrorCode::BadDescriptor),
        };
        let size = extra.size.or_else(|| creation.as_ref().and_then(|creation| creation.truncate.then_some(0)));
        let change = Change {
            target,
            size,
            writes: pending.as_writes(),
            accessed: extra.accessed,
            modified: extra.modified,
            sync: extra.sync,
            keep,
            later: extra.later,
        };
        self.send(key, &change, creation.as_ref())
    }

    /// Sends a change and takes its answer in.
    pub(crate) fn send(&mut self, key: u64, change: &Change<'_>, creation: Option<&Creation>) -> Answer<()> {
        self.names.drop_hints();
        let answer = self.ask(|store, call| store.commit(call, change));
        if creation.is_some() {
            self.changes += 1;
            self.stale();
            self.creating.retain(|creating| *creating != key);
        }
        let inode = self.inode(key)?;
        match answer {
            Ok(_) if change.later => {
                inode.unconfirmed = true;
                inode.fresh = false;
                inode.cached_version = None;
                Ok(())
            }
            Ok(attributes) => {
                inode.unconfirmed = false;
                let (node, identity) = (attributes.node, attributes.identity);
                inode.attributes = Some(attributes);
                inode.fresh = true;
                // Others may have written before or between.
                inode.cached_version = None;
                if let Some(creation) = creation {
                    self.created(key, node, identity, creation, change.keep);
                }
                Ok(())
            }
            Err(code) => {
                inode.unconfirmed = false;
                inode.fresh = false;
                inode.cached_version = None;
                if creation.is_some() {
                    inode.broken = Some(code);
                }
                self.with_cache(key, Cached::clear)?;
                Err(code)
            }
        }
    }

    fn created(&mut self, key: u64, node: Node, identity: MetadataHash, creation: &Creation, keep: bool) {
        self.names.learn(creation.identity, &creation.path, Known { identity, file_type: FileType::RegularFile });
        if let Some(inode) = self.inodes.get_mut(&key) {
            inode.writer = Some(node);
        }
        // The file may have been there: what was read of it is old.
        if let Some(other) = self.by_identity.insert(identity, key) {
            self.forget(other);
        }
        let mut hold = keep;
        for opening in self.openings.values_mut().filter(|opening| opening.inode == key) {
            opening.node = Some(node);
            // The answer holds the node once, for the one opening that a file
            // which is being created has.
            opening.held = std::mem::take(&mut hold);
        }
    }
}

/// What goes behind the writes of a change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extra {
    pub(crate) size: Option<u64>,
    pub(crate) accessed: SetTime,
    pub(crate) modified: SetTime,
    pub(crate) sync: bool,
    /// It need not be carried out when the call returns.
    pub(crate) later: bool,
}

impl Default for Extra {
    fn default() -> Self {
        Self { size: None, accessed: SetTime::Keep, modified: SetTime::Keep, sync: false, later: false }
    }
}
