//! What a backend brings into a volume by itself: files of its own that nobody
//! has loaded yet, names that came or went elsewhere. None of it is told to the
//! observer, which may refuse it.

use std::ops::Range;
use std::sync::Arc;

use dashmap::Entry;

use super::locks::LockSet;
use super::{ROOT_INO, Volume, VolumeOptions};
use crate::content::Content;
use crate::directory::{Directory, entry_cost};
use crate::error::During;
use crate::inode::{Body, Inode, State};
use crate::{Context, Error, ErrorCode, NodeId, Result, Timestamp};

const OPERATION: &str = "adopt";

/// What a backend has under a name.
#[derive(Clone, Debug)]
pub enum Adopted {
    /// A file whose bytes can be loaded.
    File {
        /// Its length in bytes.
        size: u64,
        /// What its bytes are loaded from.
        version: Arc<str>,
        /// Where it has bytes, in ascending order; the rest are holes. Each
        /// range begins at a multiple of [`PAGE_BYTES`](crate::PAGE_BYTES), and
        /// no two lie in one chunk of [`CHUNK_BYTES`](crate::CHUNK_BYTES).
        ranges: Arc<[Range<u64>]>,
    },
    /// A directory, listed when somebody looks into it.
    Directory,
    /// A symbolic link.
    Symlink {
        /// What it holds.
        target: Arc<str>,
    },
    /// Another name of a file or symbolic link that the volume has.
    Known(NodeId),
}

/// A name and what it names in the backend.
#[derive(Clone, Debug)]
pub struct AdoptedEntry {
    /// The name.
    pub name: Arc<str>,
    /// What it names.
    pub what: Adopted,
    /// Permission bits.
    pub mode: u32,
    /// Last read.
    pub accessed: Timestamp,
    /// Last change of content.
    pub modified: Timestamp,
    /// Last change of content or attributes.
    pub changed: Timestamp,
}

impl Volume {
    /// A volume whose root is listed by its [`Lister`](crate::Lister), which
    /// must be set before it is used.
    #[must_use]
    pub fn unlisted(options: VolumeOptions) -> Arc<Self> {
        let state = State::new(Body::Unlisted, super::ROOT_MODE, options.now);
        let id = NodeId { ino: ROOT_INO, generation: options.generation };
        Self::with_root(options, Inode::new(id, ROOT_INO, 0, state), None)
    }

    /// Fills a directory that was adopted, in one step; does nothing where it is
    /// filled.
    ///
    /// Entries that the volume cannot take are left out, and named in the
    /// answer with the reason. Otherwise the answer has the inodes in the order
    /// of the entries.
    ///
    /// # Errors
    /// `no-entry` for an unknown directory, `not-directory`.
    pub fn adopt_listing(&self, directory: NodeId, entries: &[AdoptedEntry]) -> Result<Vec<Result<NodeId>>> {
        let parent = self.node(directory, OPERATION)?;
        let _shared = self.gate.read();
        let _alone = self.filling.lock();
        {
            let state = parent.read();
            state.check_alive().during(OPERATION)?;
            match state.body {
                Body::Unlisted => {}
                Body::Directory(_) => return Ok(Vec::new()),
                _ => return Err(Error::new(ErrorCode::NotDirectory, OPERATION)),
            }
        }
        // Until it is whole, whoever looks waits in its lister. It stays: it is
        // listed before it can be removed.
        let mut filled = Filled { entries: Directory::with_capacity(entries.len()), charged: 0, directories: 0 };
        let adopted: Vec<Result<NodeId>> =
            entries.iter().map(|entry| self.adopt_listed(&parent, entry, &mut filled)).collect();
        let mut state = parent.write();
        for (entry, node) in entries.iter().zip(&adopted) {
            if let Ok(node) = node {
                self.adopted(directory, &entry.name, Some(*node));
            }
        }
        state.allocated += filled.charged;
        state.link_count += filled.directories;
        state.body = Body::Directory(filled.entries);
        Ok(adopted)
    }

    /// Whether a directory waits for its entries.
    ///
    /// # Errors
    /// `no-entry` for an unknown node.
    pub fn is_unlisted_directory(&self, directory: NodeId) -> Result<bool> {
        Ok(matches!(self.node(directory, OPERATION)?.read().body, Body::Unlisted))
    }

    /// Puts what a backend has under a name of a directory, in place of what the
    /// name named, in one step: whoever has that open keeps it. Nothing happens
    /// where the name names the [`Known`](Adopted::Known) node already.
    ///
    /// # Errors
    /// `no-entry` for an unknown directory, `not-empty` where the name names a
    /// directory with entries, `invalid` for a name or ranges that cannot be,
    /// `not-permitted` for another name of a directory, `busy` where the
    /// observer knows of changes ([`Observer::may_adopt`]), limits. Nothing is
    /// changed then.
    ///
    /// [`Observer::may_adopt`]: crate::Observer::may_adopt
    pub fn adopt(&self, directory: NodeId, entry: &AdoptedEntry) -> Result<NodeId> {
        let parent = self.node(directory, OPERATION)?;
        let new = self.check_adopted(entry)?;
        loop {
            // Also what the name names: a directory is replaced only if empty.
            self.list_named(&parent, &entry.name)?;
            let _shared = self.gate.read();
            let old = match self.lookup(&parent, &entry.name) {
                Ok(old) if self.is_unlisted(&old) => continue,
                Ok(old) => Some(old),
                Err(error) if error.code() == ErrorCode::NoEntry => None,
                Err(error) => return Err(Error::new(error.code(), OPERATION)),
            };
            if let Some(id) = self.try_adopt(&parent, entry, &new, old.as_ref())? {
                return Ok(id);
            }
        }
    }

    /// Takes a name away that is gone in the backend: whoever has open what it
    /// named keeps it. Does nothing where the name names something else than
    /// `node`.
    ///
    /// # Errors
    /// `no-entry` for an unknown directory, `not-empty` for a directory with
    /// entries, `busy` as [`adopt`](Self::adopt).
    pub fn disown(&self, now: Timestamp, directory: NodeId, name: &str, node: NodeId) -> Result<bool> {
        let parent = self.node(directory, OPERATION)?;
        match self.lookup(&parent, name) {
            Ok(found) if found.id() == node => {}
            Ok(_) => return Ok(false),
            Err(error) if error.code() == ErrorCode::NoEntry => return Ok(false),
            Err(error) => return Err(error),
        }
        let context = Context::at(now);
        self.remove_quietly(&context, &parent, name, node, OPERATION)
    }

    /// What an entry asks for, as far as it can be checked without locks.
    fn check_adopted(&self, entry: &AdoptedEntry) -> Result<New> {
        self.check_name(&entry.name).during(OPERATION)?;
        Ok(match &entry.what {
            Adopted::File { size, version, ranges } => {
                if *size > self.limits.file_bytes {
                    return Err(Error::new(ErrorCode::FileTooLarge, OPERATION));
                }
                let content = Content::away(*size, version.clone(), ranges.clone());
                New::Made(Made::File(content.ok_or_else(|| Error::new(ErrorCode::Invalid, OPERATION))?))
            }
            Adopted::Directory => New::Made(Made::Directory),
            Adopted::Symlink { target } => {
                self.check_target(target).during(OPERATION)?;
                New::Made(Made::Symlink(target.clone()))
            }
            Adopted::Known(node) => {
                let inode = self.node(*node, OPERATION)?;
                if inode.is_directory() {
                    return Err(Error::new(ErrorCode::NotPermitted, OPERATION));
                }
                New::Known(inode)
            }
        })
    }

    /// Adopts if the name still names `old`; `None` means that the caller looks
    /// again.
    fn try_adopt(
        &self,
        parent: &Arc<Inode>,
        entry: &AdoptedEntry,
        new: &New,
        old: Option<&Arc<Inode>>,
    ) -> Result<Option<NodeId>> {
        let name = &*entry.name;
        let known = if let New::Known(known) = new { Some(known) } else { None };
        let mut locked = LockSet::new([parent, old.unwrap_or(parent), known.unwrap_or(parent)]);
        let entries = locked.get(parent).live_directory().during(OPERATION)?;
        let unchanged = match old {
            Some(old) => entries.names(name, old),
            None => entries.get(name).is_none(),
        };
        if !unchanged {
            return Ok(None);
        }
        if let (Some(old), Some(known)) = (old, known)
            && Arc::ptr_eq(old, known)
        {
            return Ok(Some(known.id()));
        }
        if old.is_none() {
            self.check_room(entries, OPERATION)?;
        }
        if !self.may_adopt(parent.id(), name, old.map(|old| old.id())) {
            return Err(Error::new(ErrorCode::Busy, OPERATION));
        }
        // What goes makes room for what comes. Nobody can open it meanwhile; if
        // it is closed now, the room is there a little later.
        let mut freed = None;
        if let Some(old) = old {
            let state = locked.get(old);
            if old.is_directory() && !state.directory().during(OPERATION)?.is_empty() {
                return Err(Error::new(ErrorCode::NotEmpty, OPERATION));
            }
            let is_last = old.is_directory() || state.link_count <= 1;
            freed = (is_last && old.opens() == 0).then_some(state.allocated);
        }
        let added = if old.is_none() { entry_cost(name) } else { 0 };
        let inode = match new {
            New::Known(known) => {
                self.add_link(locked.get(known), added, freed)?;
                known.clone()
            }
            New::Made(made) => self.make_adopted(parent, entry, made, added, freed)?,
        };
        let id = inode.id();
        let is_directory = inode.is_directory();
        let state = locked.get(parent);
        state.allocated += added;
        state.link_count += u64::from(is_directory);
        let entries = state.directory_mut().during(OPERATION)?;
        self.adopted(parent.id(), name, Some(id));
        let Some(old) = old else {
            entries.insert(entry.name.clone(), inode);
            return Ok(Some(id));
        };
        entries.replace(name, inode);
        state.link_count -= u64::from(old.is_directory());
        let state = locked.get(old);
        match freed {
            Some(_) => {
                state.link_count = 0;
                self.retire(old, state);
            }
            None => self.drop_link(old, state, &Context::at(entry.changed)),
        }
        Ok(Some(id))
    }

    /// The same for a directory that nobody can look into yet.
    fn adopt_listed(&self, parent: &Arc<Inode>, entry: &AdoptedEntry, filled: &mut Filled) -> Result<NodeId> {
        let new = self.check_adopted(entry)?;
        if filled.entries.get(&entry.name).is_some() {
            return Err(Error::new(ErrorCode::Exist, OPERATION));
        }
        self.check_room(&filled.entries, OPERATION)?;
        let added = entry_cost(&entry.name);
        let inode = match &new {
            New::Known(known) => {
                self.add_link(&mut known.write(), added, None)?;
                known.clone()
            }
            New::Made(made) => self.make_adopted(parent, entry, made, added, None)?,
        };
        let id = inode.id();
        filled.charged += added;
        filled.directories += u64::from(inode.is_directory());
        filled.entries.insert(entry.name.clone(), inode);
        Ok(id)
    }

    /// Counts one more name of a file, which is charged `added` bytes, in
    /// exchange for an inode that goes.
    fn add_link(&self, state: &mut State, added: u64, freed: Option<u64>) -> Result<()> {
        self.check_link(state).during(OPERATION)?;
        self.exchange(added, false, freed)?;
        state.link_count += 1;
        state.touch(state.changed);
        Ok(())
    }

    /// Charges bytes and an inode, if there is a new one, and refunds an inode
    /// that was charged `freed` bytes, if one goes; or does nothing.
    fn exchange(&self, bytes: u64, has_inode: bool, freed: Option<u64>) -> Result<()> {
        let needs_inode = has_inode && freed.is_none();
        if needs_inode {
            self.ledger.charge_inode(&self.limits).during(OPERATION)?;
        }
        let refund = freed.unwrap_or(0);
        self.charge(bytes.saturating_sub(refund), OPERATION).inspect_err(|_| {
            if needs_inode {
                self.ledger.refund_inode();
            }
        })?;
        self.ledger.refund_bytes(refund.saturating_sub(bytes));
        if !has_inode && freed.is_some() {
            self.ledger.refund_inode();
        }
        Ok(())
    }

    /// Makes the inode of an entry, charged with what its name adds, in
    /// exchange for one that goes.
    fn make_adopted(
        &self,
        parent: &Inode,
        entry: &AdoptedEntry,
        made: &Made,
        added: u64,
        freed: Option<u64>,
    ) -> Result<Arc<Inode>> {
        let (body, cost) = match made {
            Made::File(content) => (Body::File(content.clone()), content.cost()),
            Made::Symlink(target) => (Body::Symlink(target.clone()), target.len() as u64),
            Made::Directory => (Body::Unlisted, 0),
        };
        let id = self.new_id(None).during(OPERATION)?;
        let mut fresh = State::new(body, entry.mode & super::namespace::MODE_MASK, entry.changed);
        fresh.allocated = cost;
        fresh.accessed = entry.accessed;
        fresh.modified = entry.modified;
        let inode = Inode::new(id, parent.ino(), 0, fresh);
        let Entry::Vacant(slot) = self.inodes.entry(id.ino) else {
            // Somebody named the number himself.
            return Err(Error::new(ErrorCode::Invalid, OPERATION));
        };
        self.exchange(added + cost, true, freed)?;
        slot.insert(inode.clone());
        Ok(inode)
    }
}

/// What comes under a name.
enum New {
    Made(Made),
    Known(Arc<Inode>),
}

/// What an inode is made of.
enum Made {
    File(Content),
    Directory,
    Symlink(Arc<str>),
}

/// A directory's entries before anybody sees them.
struct Filled {
    entries: Directory,
    /// For the names.
    charged: u64,
    directories: u64,
}
