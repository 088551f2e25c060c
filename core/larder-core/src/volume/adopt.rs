//! What a backend brings into a volume by itself: files of its own that nobody
//! has loaded yet, names that came or went elsewhere. None of it is told to the
//! volume's observer.

use std::ops::Range;
use std::sync::Arc;

use dashmap::Entry;

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
        let mut state = State::new(Body::Directory(Directory::default()), super::ROOT_MODE, options.now);
        state.body = Body::Unlisted;
        let id = NodeId { ino: ROOT_INO, generation: options.generation };
        Self::with_root(options, Inode::new(id, ROOT_INO, 0, state), None)
    }

    /// Fills a directory that was adopted; does nothing where it is filled.
    /// Entries that the volume cannot take are left out, and named in the
    /// answer with the reason. Otherwise the answer has the inodes in the order
    /// of the entries.
    ///
    /// # Errors
    /// `no-entry` for an unknown directory, `not-directory`.
    pub fn adopt_listing(&self, directory: NodeId, entries: &[AdoptedEntry]) -> Result<Vec<Result<NodeId>>> {
        let parent = self.node(directory, OPERATION)?;
        {
            let mut state = parent.write();
            state.check_alive().during(OPERATION)?;
            match state.body {
                Body::Unlisted => state.body = Body::Directory(Directory::with_capacity(entries.len())),
                Body::Directory(_) => return Ok(Vec::new()),
                _ => return Err(Error::new(ErrorCode::NotDirectory, OPERATION)),
            }
        }
        // Nobody can have looked into it before it was filled, but may now: a
        // name that is there already is somebody's own.
        Ok(entries.iter().map(|entry| self.adopt_in(&parent, entry, false)).collect())
    }

    /// Whether a directory waits for its entries.
    ///
    /// # Errors
    /// `no-entry` for an unknown node.
    pub fn is_unlisted_directory(&self, directory: NodeId) -> Result<bool> {
        Ok(matches!(self.node(directory, OPERATION)?.read().body, Body::Unlisted))
    }

    /// Puts what a backend has under a name of a directory that is listed, in
    /// place of what the name named: whoever has that open keeps it.
    ///
    /// # Errors
    /// `no-entry` for an unknown directory, `not-empty` where the name names a
    /// directory with entries, `invalid` for a name or ranges that cannot be,
    /// limits.
    pub fn adopt(&self, directory: NodeId, entry: &AdoptedEntry) -> Result<NodeId> {
        let parent = self.node(directory, OPERATION)?;
        self.adopt_in(&parent, entry, true)
    }

    /// Takes a name away that is gone in the backend: whoever has open what it
    /// named keeps it. Does nothing where the name names something else than
    /// `node`.
    ///
    /// # Errors
    /// `no-entry` for an unknown directory, `not-empty` for a directory with
    /// entries.
    pub fn disown(&self, now: Timestamp, directory: NodeId, name: &str, node: NodeId) -> Result<bool> {
        let parent = self.node(directory, OPERATION)?;
        match self.lookup(&parent, name) {
            Ok(found) if found.id() == node => {}
            Ok(_) => return Ok(false),
            Err(error) if error.code() == ErrorCode::NoEntry => return Ok(false),
            Err(error) => return Err(error),
        }
        let context = Context::at(now);
        let quiet = self.remove_quietly(&context, &parent, name, OPERATION);
        quiet.map(|()| true)
    }

    fn adopt_in(&self, parent: &Arc<Inode>, entry: &AdoptedEntry, replace: bool) -> Result<NodeId> {
        self.check_name(&entry.name).during(OPERATION)?;
        if let Ok(old) = self.lookup(parent, &entry.name) {
            if !replace {
                return Err(Error::new(ErrorCode::Exist, OPERATION));
            }
            self.disown(entry.changed, parent.id(), &entry.name, old.id())?;
        }
        let (body, cost) = match &entry.what {
            Adopted::File { size, version, ranges } => {
                if *size > self.limits.file_bytes {
                    return Err(Error::new(ErrorCode::FileTooLarge, OPERATION));
                }
                let content = Content::away(*size, version.clone(), ranges.clone())
                    .ok_or_else(|| Error::new(ErrorCode::Invalid, OPERATION))?;
                let cost = content.cost();
                (Body::File(content), cost)
            }
            Adopted::Directory => (Body::Unlisted, 0),
            Adopted::Symlink { target } => {
                self.check_target(target).during(OPERATION)?;
                (Body::Symlink(target.clone()), target.len() as u64)
            }
            Adopted::Known(node) => return self.adopt_link(parent, &entry.name, *node),
        };
        let _shared = self.gate.read();
        let mut state = parent.write();
        let entries = state.live_directory().during(OPERATION)?;
        if entries.get(&entry.name).is_some() {
            return Err(Error::new(ErrorCode::Exist, OPERATION));
        }
        self.check_room(entries, OPERATION)?;
        let name_cost = entry_cost(&entry.name);
        self.ledger.charge_inode(&self.limits).during(OPERATION)?;
        let id = self
            .charge(name_cost + cost, OPERATION)
            .and_then(|()| {
                self.new_id(None).during(OPERATION).inspect_err(|_| self.ledger.refund_bytes(name_cost + cost))
            })
            .inspect_err(|_| self.ledger.refund_inode())?;
        let is_directory = matches!(body, Body::Unlisted);
        let mut fresh = State::new(body, entry.mode & super::namespace::MODE_MASK, entry.changed);
        fresh.allocated = cost;
        fresh.accessed = entry.accessed;
        fresh.modified = entry.modified;
        if is_directory {
            fresh.link_count = 2;
            state.link_count += 1;
        }
        let inode = Inode::new(id, parent.ino(), 0, fresh);
        let Entry::Vacant(slot) = self.inodes.entry(id.ino) else {
            return Err(Error::new(ErrorCode::Invalid, OPERATION));
        };
        slot.insert(inode.clone());
        state.allocated += name_cost;
        state.directory_mut().during(OPERATION)?.insert(entry.name.clone(), inode);
        Ok(id)
    }

    fn adopt_link(&self, parent: &Arc<Inode>, name: &Arc<str>, node: NodeId) -> Result<NodeId> {
        let inode = self.node(node, OPERATION)?;
        self.link_quietly(&Context::at(inode.read().changed), &inode, parent, name, OPERATION)?;
        Ok(node)
    }
}
