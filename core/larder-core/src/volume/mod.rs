//! A volume: the inode table, the handle table, limits, and the hooks through
//! which persistence attaches. One file per group of operations; `namespace`
//! and `rename` change directories, `data` changes content, `attributes` the
//! rest, `open` counts descriptors, `freeze` copies the whole.

mod adopt;
mod attributes;
mod data;
mod freeze;
mod listing;
mod locks;
mod namespace;
mod observed;
mod open;
mod rename;
mod residency;
mod thaw;

use std::fmt;
use std::sync::{Arc, OnceLock};

use dashmap::DashMap;

use crate::advisory::{LockOwner, Locks};
#[cfg(feature = "counters")]
use crate::counters::Counters;
use crate::directory::Directory;
use crate::error::During;
use crate::inode::{Body, Inode, State};
use crate::ledger::Ledger;
use crate::sync::{AtomicU64, Mutex, Ordering, RwLock};
use crate::{Error, ErrorCode, Limits, Lister, NodeId, Observer, Result, Timestamp, Usage};

pub use adopt::{Adopted, AdoptedEntry};
pub use freeze::Snapshot;
pub(crate) use freeze::{FrozenBody, FrozenNode};
pub(crate) use namespace::{NewNode, OpenFor};
pub(crate) use open::OpenNode;
pub use residency::ContentSource;

/// Permission bits of the root directory.
const ROOT_MODE: u32 = 0o755;

/// How a new volume is set up.
#[derive(Clone, Debug)]
pub struct VolumeOptions {
    /// A name for messages and statistics.
    pub name: String,
    /// What the volume may hold.
    pub limits: Limits,
    /// Tells apart inodes of two lives of a volume that use the same number:
    /// a different value for each time that a volume is made or loaded.
    pub generation: u64,
    /// The root directory's times.
    pub now: Timestamp,
}

impl Default for VolumeOptions {
    fn default() -> Self {
        Self { name: "volume".into(), limits: Limits::default(), generation: 1, now: Timestamp::UNIX_EPOCH }
    }
}

/// What `sync` means for a volume: returns only once everything accepted is
/// as durable as the volume's configuration promises.
pub trait Durability: Send + Sync {
    /// Makes all that was accepted durable.
    ///
    /// # Errors
    /// Any error leaves the durability of what was accepted unknown; it is
    /// passed on to the guest's `sync`.
    fn sync(&self, volume: &Arc<Volume>) -> Result<()>;
}

/// A file tree shared by all who hold it. All methods may be called from
/// several threads.
pub struct Volume {
    name: String,
    limits: Limits,
    generation: u64,
    /// Salts metadata hashes, so that two volumes have no file in common.
    identity: u64,
    ledger: Ledger,
    inodes: DashMap<u64, Arc<Inode>, Hashing>,
    handles: DashMap<u64, Arc<Inode>, Hashing>,
    next_ino: AtomicU64,
    next_handle: AtomicU64,
    root: Arc<Inode>,
    /// The tree that the volume was made from, while directories of it may be
    /// unlisted.
    packed: Option<listing::Packed>,
    /// Shared by mutations, exclusive for a freeze, which thus sees every
    /// operation wholly or not at all.
    gate: RwLock<()>,
    /// Held while a directory moves between parents, so that nobody else
    /// changes the tree above it while loops are looked for.
    topology: Mutex<()>,
    /// Held while a directory that was adopted gets its entries, so that two
    /// who looked into it at once fill it once.
    filling: Mutex<()>,
    pub(crate) advisory: Locks,
    durability: OnceLock<Arc<dyn Durability>>,
    source: OnceLock<Arc<dyn ContentSource>>,
    observer: OnceLock<Arc<dyn Observer>>,
    lister: OnceLock<Arc<dyn Lister>>,
    /// Where operations are counted.
    #[cfg(feature = "counters")]
    pub(crate) counters: OnceLock<Counters>,
}

impl fmt::Debug for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Volume").field("name", &self.name).field("usage", &self.usage()).finish_non_exhaustive()
    }
}

/// Faster than std's hashing, and seeded at random all the same: inode numbers
/// may come from a hostile snapshot.
pub(crate) type Hashing = foldhash::quality::RandomState;

/// The root's inode number.
const ROOT_INO: u64 = 1;

/// Above every inode number, cookie and version counter: a hostile snapshot or
/// record that names larger ones could otherwise make a counter overflow.
pub(crate) const MOST_COUNTED: u64 = 1 << 62;

/// Distinguishes the volumes of a process.
static VOLUMES: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);

impl Volume {
    /// An empty volume.
    #[must_use]
    pub fn new(options: VolumeOptions) -> Arc<Self> {
        let state = State::new(Body::Directory(Directory::default()), ROOT_MODE, options.now);
        let id = NodeId { ino: ROOT_INO, generation: options.generation };
        Self::with_root(options, Inode::new(id, ROOT_INO, 0, state), None)
    }

    fn with_root(options: VolumeOptions, root: Arc<Inode>, packed: Option<listing::Packed>) -> Arc<Self> {
        let volume = Self {
            name: options.name,
            limits: options.limits,
            generation: options.generation,
            identity: VOLUMES.fetch_add(1, std::sync::atomic::Ordering::Relaxed),
            ledger: Ledger::new(),
            inodes: DashMap::default(),
            handles: DashMap::default(),
            next_ino: AtomicU64::new(ROOT_INO + 1),
            next_handle: AtomicU64::new(1),
            root: root.clone(),
            packed,
            gate: RwLock::new(()),
            topology: Mutex::new(()),
            filling: Mutex::new(()),
            advisory: Locks::new(),
            durability: OnceLock::new(),
            source: OnceLock::new(),
            observer: OnceLock::new(),
            lister: OnceLock::new(),
            #[cfg(feature = "counters")]
            counters: OnceLock::new(),
        };
        // The root is there whatever the limit: a volume without it is none.
        let unlimited = Limits { inodes: u64::MAX, ..volume.limits.clone() };
        let charged = volume.ledger.charge_inode(&unlimited);
        debug_assert!(charged.is_ok(), "one inode fits in u64::MAX");
        volume.inodes.insert(root.ino(), root);
        Arc::new(volume)
    }

    /// The name given at creation.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bounds given at creation.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What the volume holds now.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.ledger.usage()
    }

    /// The root directory.
    #[must_use]
    pub fn root_id(&self) -> NodeId {
        self.root.id()
    }

    pub(crate) const fn root(&self) -> &Arc<Inode> {
        &self.root
    }

    pub(crate) const fn identity(&self) -> u64 {
        self.identity
    }

    /// Sets what `sync` means. The first call wins; without one, `sync`
    /// succeeds at once: the level is *accepted*, in memory.
    ///
    /// # Errors
    /// `already` if it was set before.
    pub fn set_durability(&self, durability: Arc<dyn Durability>) -> Result<()> {
        self.durability.set(durability).map_err(|_| Error::new(ErrorCode::Already, "set-durability"))
    }

    /// Makes all that was accepted as durable as the configuration promises.
    ///
    /// # Errors
    /// Those of the volume's [`Durability`].
    pub fn sync(self: &Arc<Self>) -> Result<()> {
        match self.durability.get() {
            Some(durability) => durability.sync(self),
            None => Ok(()),
        }
    }

    /// Ends all advisory locks of an owner.
    pub fn unlock_all(&self, owner: LockOwner) {
        self.advisory.end(owner);
    }

    /// Whether an owner has any advisory lock.
    #[must_use]
    pub fn has_locks(&self, owner: LockOwner) -> bool {
        self.advisory.has_any(owner)
    }

    /// The inode of that identity, `no-entry` if it is gone.
    pub(crate) fn node(&self, id: NodeId, operation: &'static str) -> Result<Arc<Inode>> {
        let find = || self.inodes.get(&id.ino).filter(|inode| inode.id() == id).map(|inode| inode.clone());
        let found = find().or_else(|| {
            // Known from another volume of the same tree, a snapshot's or a
            // journal's.
            self.may_be_packed(id.ino).then(|| self.list_all().ok()).and_then(|_| find())
        });
        found.ok_or_else(|| Error::new(ErrorCode::NoEntry, operation))
    }

    /// Names are UTF-8 by their type; the rest of what POSIX asks of one.
    pub(crate) fn check_name(&self, name: &str) -> Result<(), ErrorCode> {
        if name.is_empty() || name == "." || name == ".." {
            return Err(ErrorCode::Invalid);
        }
        if name.len() > self.limits.name_bytes as usize {
            return Err(ErrorCode::NameTooLong);
        }
        if name.as_bytes().contains(&b'/') || name.as_bytes().contains(&0) {
            return Err(ErrorCode::Invalid);
        }
        Ok(())
    }

    /// The identity of a new inode: the context's, or the next free number.
    fn new_id(&self, wanted: Option<NodeId>) -> Result<NodeId, ErrorCode> {
        match wanted {
            None => {
                let next = |next: u64| (next < MOST_COUNTED - 1).then_some(next + 1);
                let ino = self
                    .next_ino
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
                    .map_err(|_| ErrorCode::InsufficientSpace)?;
                Ok(NodeId { ino, generation: self.generation })
            }
            Some(id) => {
                if id.ino == 0 || id.ino >= MOST_COUNTED - 1 {
                    return Err(ErrorCode::Invalid);
                }
                self.next_ino.fetch_max(id.ino + 1, Ordering::Relaxed);
                Ok(id)
            }
        }
    }

    /// Removes an inode whose last name and last descriptor are gone. The
    /// state is locked, so no descriptor can appear meanwhile.
    fn reclaim_if_unused(&self, inode: &Inode, state: &mut State) {
        if state.link_count > 0 || state.reclaimed || inode.opens() > 0 {
            return;
        }
        self.ledger.refund_bytes(state.allocated);
        self.ledger.refund_inode();
        self.retire(inode, state);
    }

    /// Takes an inode out of the table for which nothing is charged any more.
    fn retire(&self, inode: &Inode, state: &mut State) {
        state.reclaimed = true;
        state.allocated = 0;
        self.inodes.remove(&inode.ino());
        // A dead inode may be held for a while by a resolution under way.
        state.body = match state.body {
            Body::File(_) => Body::File(crate::content::Content::default()),
            Body::Directory(_) | Body::Unlisted => Body::Directory(Directory::default()),
            Body::Symlink(_) => Body::Symlink("".into()),
        };
    }

    /// The sum of what the inodes are charged, for checking the ledger. Reads
    /// all of a packed tree; what is damaged there is not in the sum.
    ///
    /// Exact only while nobody changes the volume.
    #[must_use]
    pub fn recount(&self) -> Usage {
        drop(self.list_all());
        let inodes: Vec<_> = self.inodes.iter().map(|entry| entry.value().clone()).collect();
        Usage {
            bytes: inodes.iter().map(|inode| inode.read().allocated).sum(),
            inodes: inodes.len() as u64,
            open_handles: inodes.iter().map(|inode| inode.opens() as u64).sum(),
        }
    }

    fn charge(&self, bytes: u64, operation: &'static str) -> Result<()> {
        self.ledger.charge_bytes(&self.limits, bytes).during(operation)
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // A directory owns its children: dropping a deep tree from its root
        // would recurse once per level. With the entries gone first, every
        // inode is dropped by the table alone.
        for inode in &self.inodes {
            if let Body::Directory(directory) = &mut inode.value().write().body {
                directory.take().for_each(drop);
            }
        }
    }
}
