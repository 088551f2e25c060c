//! Directories of a packed tree become inodes, one directory at a time, before
//! the first operation that looks into them. Until then a directory is
//! [`Body::Unlisted`], and what is below it is charged but in no table.
//!
//! The source is not trusted: what it says of a directory is checked wholly
//! before any of it is in the volume, and inodes are made only as far as the
//! totals that were charged at the start reach.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{ROOT_INO, Volume, VolumeOptions};
use crate::content::Content;
use crate::directory::{Directory, entry_cost};
use crate::error::During;
use crate::inode::{Body, Inode, State};
use crate::sync::{Mutex, Ordering};
use crate::tree::{TreeNode, TreeSource, TreeTotals};
use crate::{Error, ErrorCode, FileType, NodeId, Result};

const OPERATION: &str = "list-packed";

/// The tree that a volume was made from.
pub(super) struct Packed {
    source: Arc<dyn TreeSource>,
    /// The highest inode number of the tree.
    last_ino: u64,
    /// What is charged for inodes that are not made yet. Held while a
    /// directory's inodes are put into the table, so that a file with names in
    /// two directories is made once.
    reserve: Mutex<TreeTotals>,
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packed").field("last_ino", &self.last_ino).finish_non_exhaustive()
    }
}

/// One entry of a directory that is being listed.
struct Listed {
    name: Arc<str>,
    inode: Arc<Inode>,
    /// Charged for the inode, from the reserve if it is new.
    cost: u64,
    /// Several names may name it, also in other directories.
    may_be_known: bool,
}

const TWICE: &str = "an inode in two places";
const TOO_MUCH: &str = "more than the tree's totals";

fn damaged(what: &'static str) -> Error {
    Error::new(ErrorCode::Io, OPERATION).at(what)
}

impl Volume {
    /// A volume that holds a packed tree. Takes the same time whatever the
    /// tree's size; the options give the limits, the name, and the generation
    /// of its inodes.
    ///
    /// # Errors
    /// `insufficient-space` where the tree's totals exceed the limits; `io`
    /// where its root is damaged.
    pub fn from_tree(options: VolumeOptions, source: Arc<dyn TreeSource>) -> Result<Arc<Self>> {
        let totals = source.totals();
        let node = source.node(ROOT_INO)?;
        if node.file_type != FileType::Directory {
            return Err(damaged("the root is no directory"));
        }
        if totals.bytes > options.limits.bytes || totals.inodes > options.limits.inodes {
            return Err(Error::new(ErrorCode::InsufficientSpace, OPERATION));
        }
        let below_root = totals.inodes.checked_sub(1).filter(|_| totals.inodes < super::MOST_COUNTED - 1);
        let below_root = below_root.ok_or_else(|| damaged("the number of inodes"))?;
        let bytes = totals.bytes.checked_sub(node.size).ok_or_else(|| damaged("the total of bytes"))?;
        let id = NodeId { ino: ROOT_INO, generation: options.generation };
        let root = Inode::new(id, ROOT_INO, 0, state(&node, Body::Unlisted, node.size)?);
        let packed =
            Packed { source, last_ino: totals.inodes, reserve: Mutex::new(TreeTotals { bytes, inodes: below_root }) };
        let volume = Self::with_root(options, root, Some(packed));
        volume.ledger.charge_packed(&totals);
        volume.next_ino.fetch_max(totals.inodes + 1, Ordering::Relaxed);
        Ok(volume)
    }

    /// Lists a directory, and what `name` names in it: before an operation that
    /// removes the name, which takes its locks later.
    pub(super) fn list_named(&self, directory: &Arc<Inode>, name: &str) -> Result<()> {
        if !self.has_unlisted() {
            return Ok(());
        }
        self.ensure_listed(directory)?;
        match self.lookup(directory, name) {
            Ok(child) => self.ensure_listed(&child),
            // The operation will say it.
            Err(_) => Ok(()),
        }
    }

    pub(super) fn is_unlisted(&self, inode: &Inode) -> bool {
        self.has_unlisted() && is_unlisted(inode)
    }

    /// Whether directories may be unlisted at all.
    fn has_unlisted(&self) -> bool {
        self.packed.is_some() || self.lister.get().is_some()
    }

    /// Makes sure that a directory's entries can be seen; does nothing for
    /// what is no directory. Called without any inode lock.
    pub(super) fn ensure_listed(&self, directory: &Arc<Inode>) -> Result<()> {
        let Some(packed) = &self.packed else { return self.ensure_adopted(directory) };
        if !is_unlisted(directory) {
            return Ok(());
        }
        let listed = self.read_packed(packed, directory)?;
        let mut reserve = packed.reserve.lock();
        if !is_unlisted(directory) {
            return Ok(());
        }
        let mut left = *reserve;
        let mut entries = Directory::with_capacity(listed.len());
        let mut made: Vec<Arc<Inode>> = Vec::with_capacity(listed.len());
        let mut linked: BTreeMap<u64, Arc<Inode>> = BTreeMap::new();
        for Listed { name, inode, cost, may_be_known } in listed {
            let known = self.known(inode.ino()).or_else(|| linked.get(&inode.ino()).cloned());
            let inode = match known {
                Some(known) if may_be_known && !known.is_directory() => known,
                Some(_) => return Err(damaged(TWICE)),
                None => {
                    left = left.less(cost).ok_or_else(|| damaged(TOO_MUCH))?;
                    if may_be_known {
                        linked.insert(inode.ino(), inode.clone());
                    }
                    made.push(inode.clone());
                    inode
                }
            };
            entries.insert(name, inode);
        }
        made.sort_unstable_by_key(|inode| inode.ino());
        if !made.is_sorted_by(|one, next| one.ino() < next.ino()) {
            return Err(damaged(TWICE));
        }
        *reserve = left;
        for inode in made {
            self.inodes.insert(inode.ino(), inode);
        }
        directory.write().body = Body::Directory(entries);
        Ok(())
    }

    fn ensure_adopted(&self, directory: &Inode) -> Result<()> {
        match self.lister.get() {
            Some(lister) if is_unlisted(directory) => {
                lister.list(directory.id())?;
                // Whoever waits for it would ask for ever.
                if is_unlisted(directory) { Err(Error::new(ErrorCode::Io, "list")) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    /// The entries of a directory as the source has them, checked, with new
    /// inodes that nobody knows yet.
    fn read_packed(&self, packed: &Packed, directory: &Inode) -> Result<Vec<Listed>> {
        let (charged, link_count) = {
            let state = directory.read();
            (state.allocated, state.link_count)
        };
        // Nothing is built that could not be charged.
        let mut left = *packed.reserve.lock();
        let mut listed: Vec<Listed> = Vec::new();
        let mut linked: BTreeMap<u64, Arc<Inode>> = BTreeMap::new();
        let mut bytes = 0;
        let mut directories = 0;
        packed.source.list(directory.ino(), &mut |name, ino| {
            self.check_name(name).during(OPERATION).map_err(|_| damaged("a name"))?;
            if ino <= ROOT_INO || ino > packed.last_ino || listed.len() as u64 >= self.limits.directory_entries {
                return Err(damaged("an inode number, or too many entries"));
            }
            let node = packed.source.node(ino)?;
            let may_be_known = node.link_count > 1 && node.file_type != FileType::Directory;
            let known = may_be_known.then(|| linked.get(&ino).cloned().or_else(|| self.known(ino))).flatten();
            let inode = match known {
                Some(inode) => inode,
                None => self.inode_of(packed, ino, directory.ino(), &node, &mut left.bytes)?,
            };
            if may_be_known {
                linked.insert(ino, inode.clone());
            }
            let cost = inode.read().allocated;
            directories += u64::from(inode.is_directory());
            bytes += entry_cost(name);
            listed.push(Listed { name: name.into(), inode, cost, may_be_known });
            Ok(())
        })?;
        if bytes != charged || link_count != 2 + directories {
            return Err(damaged("a directory's size or link count"));
        }
        let mut names: Vec<&str> = listed.iter().map(|entry| &*entry.name).collect();
        names.sort_unstable();
        if !names.is_sorted_by(|one, next| one < next) {
            return Err(damaged("a name twice in one directory"));
        }
        Ok(listed)
    }

    fn known(&self, ino: u64) -> Option<Arc<Inode>> {
        self.inodes.get(&ino).map(|found| found.clone())
    }

    /// A new inode. Its content is taken from `left`.
    fn inode_of(&self, packed: &Packed, ino: u64, parent: u64, node: &TreeNode, left: &mut u64) -> Result<Arc<Inode>> {
        let (body, cost) = match node.file_type {
            FileType::Directory => (Body::Unlisted, node.size),
            FileType::SymbolicLink => {
                let target = packed.source.target(ino)?;
                self.check_target(target).map_err(|_| damaged("a symlink target"))?;
                (Body::Symlink(target.into()), target.len() as u64)
            }
            FileType::RegularFile => {
                if node.size > self.limits.file_bytes {
                    return Err(damaged("a file size"));
                }
                let mut content = Content::default();
                packed.source.extents(ino, &mut |offset, bytes| {
                    *left = left.checked_sub(bytes.len() as u64).ok_or_else(|| damaged(TOO_MUCH))?;
                    let end = offset.checked_add(bytes.len() as u64).filter(|end| *end <= node.size);
                    end.and_then(|_| content.push_shared(offset, bytes)).ok_or_else(|| damaged("an extent"))
                })?;
                content.set_len(node.size).map_err(|_| damaged("a file size"))?;
                let cost = content.cost();
                (Body::File(content), cost)
            }
        };
        let id = NodeId { ino, generation: self.generation };
        Ok(Inode::new(id, parent, 0, state(node, body, cost)?))
    }

    /// Reads all of a packed tree, or of what was adopted, now: every directory
    /// that nobody looked into yet becomes inodes.
    ///
    /// # Errors
    /// `io` where some cannot be; the others are listed all the same.
    pub fn list_all(&self) -> Result<()> {
        let mut done = Ok(());
        let all = self.inodes.iter().map(|entry| entry.value().clone());
        let mut open: Vec<_> = all.filter(|inode| is_unlisted(inode)).collect();
        while let Some(directory) = open.pop() {
            match self.ensure_listed(&directory) {
                Err(error) => done = Err(error),
                Ok(()) => {
                    let state = directory.read();
                    match &state.body {
                        Body::Directory(entries) => {
                            open.extend(entries.inodes().filter(|inode| inode.is_directory()).cloned());
                        }
                        // There is no lister.
                        _ => done = Err(Error::new(ErrorCode::Io, "list")),
                    }
                }
            }
        }
        done
    }

    /// Whether an inode may be in the packed tree though it is in no table.
    pub(super) fn may_be_packed(&self, ino: u64) -> bool {
        self.packed.as_ref().is_some_and(|packed| ino <= packed.last_ino && packed.reserve.lock().inodes > 0)
    }
}

fn is_unlisted(inode: &Inode) -> bool {
    matches!(inode.read().body, Body::Unlisted)
}

fn state(node: &TreeNode, body: Body, cost: u64) -> Result<State> {
    let times = [node.accessed, node.modified, node.changed];
    let least = if matches!(body, Body::Unlisted) { 2 } else { 1 };
    if node.link_count < least || node.link_count >= super::MOST_COUNTED || times.iter().any(|time| !time.is_valid()) {
        return Err(damaged("a link count or a time"));
    }
    Ok(State {
        link_count: node.link_count,
        mode: node.mode & super::namespace::MODE_MASK,
        accessed: node.accessed,
        modified: node.modified,
        changed: node.changed,
        version: 1,
        allocated: cost,
        reclaimed: false,
        body,
    })
}

impl TreeTotals {
    /// What is left without one inode that is charged `bytes`.
    fn less(self, bytes: u64) -> Option<Self> {
        Some(Self { bytes: self.bytes.checked_sub(bytes)?, inodes: self.inodes.checked_sub(1)? })
    }
}
