//! Trees on their way into an image.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use larder_core::{ENTRY_BYTES, Error, ErrorCode, Limits, Result, Timestamp, TreeTotals};

use super::content::{Area, Run};

/// What is kept of an entry besides its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Permission bits; others are ignored.
    pub mode: u32,
    /// Last change of content; also the other times, for which an image has no
    /// place.
    pub modified: Timestamp,
}

/// The permission bits that a node may have.
const MODE_MASK: u32 = 0o7777;

/// Permission bits of directories that nobody described.
pub(super) const DIRECTORY_MODE: u32 = 0o755;

/// Permission bits of a symbolic link, as everywhere.
const SYMLINK_MODE: u32 = 0o777;

pub(super) struct Node {
    pub(super) meta: Meta,
    pub(super) links: u32,
    pub(super) body: Body,
}

pub(super) enum Body {
    File {
        size: u64,
        runs: Vec<Run>,
    },
    /// Entries in order of their names, with the index of the node.
    Directory(BTreeMap<Box<str>, u32>),
    Symlink(Box<str>),
}

/// The tree of one volume, by index of node; the first is the root.
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) charged: TreeTotals,
    limits: Limits,
    /// Of directories that nobody described.
    implied: Meta,
}

/// Adds entries to the tree of one volume. Paths are relative to its root;
/// slashes at the ends and empty components do not matter. Directories that
/// are missing above an entry are added.
///
/// Everything must fit in the volume's limits. What is refused is not added,
/// except for directories above it.
pub struct TreeBuilder<'a> {
    pub(super) tree: &'a mut Tree,
    pub(super) content: &'a mut Area,
}

impl std::fmt::Debug for TreeBuilder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TreeBuilder").field("charged", &self.tree.charged).finish_non_exhaustive()
    }
}

impl TreeBuilder<'_> {
    /// Adds a directory; where it is there already, sets what is kept of it.
    /// The empty path is the root.
    ///
    /// # Errors
    /// `not-directory` where a file has the name; `invalid` or `name-too-long`
    /// for a path that the volume could not have; `insufficient-space`,
    /// `quota`.
    pub fn directory(&mut self, path: &str, meta: Meta) -> Result<()> {
        self.tree.directory_at(path).and_then(|index| self.tree.describe(index, meta)).map_err(|error| error.at(path))
    }

    /// Adds a file with `content`.
    ///
    /// # Errors
    /// As [`directory`](Self::directory); `exist` where the name is there;
    /// `file-too-large`.
    pub fn file(&mut self, path: &str, meta: Meta, content: &[u8]) -> Result<()> {
        self.sparse_file(path, meta, content.len() as u64, [(0, content)])
    }

    /// Adds a file of `size` bytes that has content only at some offsets: its
    /// extents, offset and bytes, which ascend and are disjoint.
    ///
    /// # Errors
    /// As [`file`](Self::file); `invalid` where extents overlap or are outside
    /// of the file.
    pub fn sparse_file<'b>(
        &mut self,
        path: &str,
        meta: Meta,
        size: u64,
        extents: impl IntoIterator<Item = (u64, &'b [u8])>,
    ) -> Result<()> {
        self.add_file(path, meta, size, extents).map_err(|error| error.at(path))
    }

    fn add_file<'b>(
        &mut self,
        path: &str,
        meta: Meta,
        size: u64,
        extents: impl IntoIterator<Item = (u64, &'b [u8])>,
    ) -> Result<()> {
        if size > self.tree.limits.file_bytes {
            return Err(refused(ErrorCode::FileTooLarge));
        }
        let place = self.tree.place(path)?;
        let runs = self.content.add(size, extents)?;
        let cost = runs.iter().map(Run::cost).sum();
        self.tree.insert(place, meta, cost, Body::File { size, runs }).map(drop)
    }

    /// Adds a symbolic link that holds `target`.
    ///
    /// # Errors
    /// As [`file`](Self::file); `no-entry` for an empty target.
    pub fn symlink(&mut self, path: &str, modified: Timestamp, target: &str) -> Result<()> {
        self.tree.symlink(path, modified, target).map_err(|error| error.at(path))
    }

    /// Gives the file or symbolic link at `existing` another name.
    ///
    /// # Errors
    /// As [`file`](Self::file); `no-entry` where there is no such file,
    /// `not-permitted` for a directory, `too-many-links`.
    pub fn hard_link(&mut self, existing: &str, path: &str) -> Result<()> {
        self.tree.link(existing, path).map_err(|error| error.at(path))
    }
}

const OPERATION: &str = "add-to-image";

const fn refused(code: ErrorCode) -> Error {
    Error::new(code, OPERATION)
}

/// Where a new entry goes: a directory that is there, and a name that is not
/// in it.
#[derive(Clone, Copy)]
struct Place<'p> {
    directory: u32,
    name: &'p str,
}

impl Tree {
    pub(super) fn new(limits: Limits, implied: Meta) -> Self {
        let root = Node { meta: implied, links: 2, body: Body::Directory(BTreeMap::new()) };
        Self { nodes: vec![root], charged: TreeTotals { bytes: 0, inodes: 1 }, limits, implied }
    }

    fn node(&mut self, index: u32) -> Result<&mut Node> {
        self.nodes.get_mut(index as usize).ok_or(refused(ErrorCode::NoEntry))
    }

    fn entries(&mut self, index: u32) -> Result<&mut BTreeMap<Box<str>, u32>> {
        match &mut self.node(index)?.body {
            Body::Directory(entries) => Ok(entries),
            _ => Err(refused(ErrorCode::NotDirectory)),
        }
    }

    fn find(&mut self, path: &str) -> Result<u32> {
        let mut at = 0;
        for name in components(path) {
            at = *self.entries(at)?.get(name).ok_or(refused(ErrorCode::NoEntry))?;
        }
        Ok(at)
    }

    /// The directory of that path; what is missing of it is added.
    fn directory_at(&mut self, path: &str) -> Result<u32> {
        self.check_path(path)?;
        let mut at = 0;
        for name in components(path) {
            at = match self.entries(at)?.get(name) {
                Some(index) => *index,
                None => {
                    let meta = self.implied;
                    self.insert(Place { directory: at, name }, meta, 0, Body::Directory(BTreeMap::new()))?
                }
            };
        }
        self.entries(at).map(|_| at)
    }

    fn describe(&mut self, index: u32, meta: Meta) -> Result<()> {
        check_time(&meta)?;
        self.node(index)?.meta = masked(meta);
        Ok(())
    }

    /// Where an entry of that path goes; the directories above it are added.
    fn place<'p>(&mut self, path: &'p str) -> Result<Place<'p>> {
        let path = path.trim_end_matches('/');
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name.is_empty() {
            return Err(refused(ErrorCode::Exist));
        }
        self.check_path(path)?;
        let directory = self.directory_at(above)?;
        match self.entries(directory)?.contains_key(name) {
            true => Err(refused(ErrorCode::Exist)),
            false => Ok(Place { directory, name }),
        }
    }

    fn insert(&mut self, place: Place<'_>, meta: Meta, cost: u64, body: Body) -> Result<u32> {
        check_time(&meta)?;
        let index = u32::try_from(self.nodes.len()).map_err(|_| refused(ErrorCode::InsufficientSpace))?;
        let inodes = self.charged.inodes + 1;
        // The format's numbers of inodes have 32 bits.
        if inodes > self.limits.inodes.min(u64::from(u32::MAX)) {
            return Err(refused(ErrorCode::InsufficientSpace));
        }
        self.name(place, index, cost)?;
        self.charged.inodes = inodes;
        let is_directory = matches!(body, Body::Directory(_));
        self.nodes.push(Node { meta: masked(meta), links: if is_directory { 2 } else { 1 }, body });
        if is_directory {
            self.node(place.directory)?.links += 1;
        }
        Ok(index)
    }

    /// Adds a name, and charges it and `cost`.
    fn name(&mut self, place: Place<'_>, index: u32, cost: u64) -> Result<()> {
        let (most_entries, most_bytes) = (self.limits.directory_entries, self.limits.bytes);
        let bytes = self.charged.bytes.saturating_add(cost).saturating_add(entry_cost(place.name));
        if bytes > most_bytes {
            return Err(refused(ErrorCode::InsufficientSpace));
        }
        let entries = self.entries(place.directory)?;
        if entries.len() as u64 >= most_entries {
            return Err(refused(ErrorCode::Quota));
        }
        match entries.entry(place.name.into()) {
            Entry::Occupied(_) => return Err(refused(ErrorCode::Exist)),
            Entry::Vacant(slot) => slot.insert(index),
        };
        self.charged.bytes = bytes;
        Ok(())
    }

    fn symlink(&mut self, path: &str, modified: Timestamp, target: &str) -> Result<()> {
        self.check_target(target)?;
        let place = self.place(path)?;
        let meta = Meta { mode: SYMLINK_MODE, modified };
        self.insert(place, meta, target.len() as u64, Body::Symlink(target.into())).map(drop)
    }

    fn link(&mut self, existing: &str, path: &str) -> Result<()> {
        let index = self.find(existing)?;
        let most = self.limits.links.min(u64::from(u32::MAX));
        let node = self.node(index)?;
        if matches!(node.body, Body::Directory(_)) {
            return Err(refused(ErrorCode::NotPermitted));
        }
        if u64::from(node.links) >= most {
            return Err(refused(ErrorCode::TooManyLinks));
        }
        let place = self.place(path)?;
        self.name(place, index, 0)?;
        self.node(index)?.links += 1;
        Ok(())
    }

    fn check_path(&self, path: &str) -> Result<()> {
        if path.len() > self.limits.path_bytes as usize {
            return Err(refused(ErrorCode::NameTooLong));
        }
        for name in components(path) {
            if name == "." || name == ".." || name.contains('\0') {
                return Err(refused(ErrorCode::Invalid));
            }
            if name.len() > self.limits.name_bytes as usize {
                return Err(refused(ErrorCode::NameTooLong));
            }
        }
        Ok(())
    }

    fn check_target(&self, target: &str) -> Result<()> {
        if target.is_empty() {
            return Err(refused(ErrorCode::NoEntry));
        }
        if target.len() > self.limits.path_bytes as usize {
            return Err(refused(ErrorCode::NameTooLong));
        }
        if target.contains('\0') {
            return Err(refused(ErrorCode::Invalid));
        }
        Ok(())
    }
}

fn components(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|name| !name.is_empty())
}

/// What the store charges for an entry of this name.
pub(super) const fn entry_cost(name: &str) -> u64 {
    ENTRY_BYTES + name.len() as u64
}

const fn masked(meta: Meta) -> Meta {
    Meta { mode: meta.mode & MODE_MASK, modified: meta.modified }
}

fn check_time(meta: &Meta) -> Result<()> {
    if meta.modified.is_valid() { Ok(()) } else { Err(refused(ErrorCode::Invalid)) }
}
