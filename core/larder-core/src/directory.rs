//! The entries of one directory, without locks. Which inodes they may name,
//! link counts and charging are `volume`'s.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use crate::inode::Inode;
use crate::volume::Hashing;
use crate::{FileType, NodeId};

/// What one entry is charged besides the bytes of its name. Guards the host's
/// memory against entries that have no content (hard links, empty files).
pub const ENTRY_BYTES: u64 = 64;

/// One entry of a directory listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// The name.
    pub name: Arc<str>,
    /// The inode it names.
    pub id: NodeId,
    /// The inode's kind.
    pub file_type: FileType,
    /// Where the listing goes on behind this entry; from 1, ascending.
    pub cookie: u64,
}

#[derive(Debug)]
struct Entry {
    inode: Arc<Inode>,
    cookie: u64,
}

/// Entries by name, and in the order of their cookies. A cookie is given to a
/// name when it appears and never reused, so a listing that goes on behind a
/// cookie shows every name that existed throughout exactly once.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    /// Seeded at random: guests choose the names.
    entries: HashMap<Arc<str>, Entry, Hashing>,
    order: BTreeMap<u64, Arc<str>>,
    last_cookie: u64,
}

/// The bytes charged for an entry of this name.
pub(crate) const fn entry_cost(name: &str) -> u64 {
    ENTRY_BYTES + name.len() as u64
}

impl Directory {
    /// No entries, with room for so many.
    pub(crate) fn with_capacity(entries: usize) -> Self {
        Self { entries: HashMap::with_capacity_and_hasher(entries, Hashing::default()), ..Self::default() }
    }

    pub(crate) fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Arc<Inode>> {
        self.entries.get(name).map(|entry| &entry.inode)
    }

    /// What the entries name, in no order.
    pub(crate) fn inodes(&self) -> impl Iterator<Item = &Arc<Inode>> {
        self.entries.values().map(|entry| &entry.inode)
    }

    /// Whether `name` names exactly this inode.
    pub(crate) fn names(&self, name: &str, inode: &Arc<Inode>) -> bool {
        self.get(name).is_some_and(|found| Arc::ptr_eq(found, inode))
    }

    /// Adds a name that is not there yet.
    pub(crate) fn insert(&mut self, name: Arc<str>, inode: Arc<Inode>) {
        let cookie = self.last_cookie + 1;
        self.insert_at(name, inode, cookie);
    }

    /// Adds a name that is not there yet with a cookie that is not used yet.
    pub(crate) fn insert_at(&mut self, name: Arc<str>, inode: Arc<Inode>, cookie: u64) {
        self.last_cookie = self.last_cookie.max(cookie);
        self.order.insert(cookie, name.clone());
        let before = self.entries.insert(name, Entry { inode, cookie });
        debug_assert!(before.is_none(), "the name was there already");
    }

    /// Lets an existing name name another inode; the listing does not move.
    pub(crate) fn replace(&mut self, name: &str, inode: Arc<Inode>) -> Option<Arc<Inode>> {
        let entry = self.entries.get_mut(name)?;
        Some(std::mem::replace(&mut entry.inode, inode))
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Arc<Inode>> {
        let entry = self.entries.remove(name)?;
        self.order.remove(&entry.cookie);
        Some(entry.inode)
    }

    /// Up to `max` entries behind the cookie `after` (0: from the start).
    pub(crate) fn list(&self, after: u64, max: usize) -> Vec<DirectoryEntry> {
        self.order
            .range((Bound::Excluded(after), Bound::Unbounded))
            .filter_map(|(cookie, name)| {
                let entry = self.entries.get(name)?;
                Some(DirectoryEntry {
                    name: name.clone(),
                    id: entry.inode.id(),
                    file_type: entry.inode.file_type(),
                    cookie: *cookie,
                })
            })
            .take(max)
            .collect()
    }

    /// The cookie of the newest name that this directory ever had.
    pub(crate) const fn last_cookie(&self) -> u64 {
        self.last_cookie
    }

    pub(crate) fn set_last_cookie(&mut self, cookie: u64) {
        self.last_cookie = self.last_cookie.max(cookie);
    }

    /// Forgets all entries and hands out their inodes.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Arc<Inode>> + use<> {
        self.order.clear();
        std::mem::take(&mut self.entries).into_values().map(|entry| entry.inode)
    }
}
