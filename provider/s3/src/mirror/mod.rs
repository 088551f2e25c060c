//! Which names each inode has: the paths that a volume's inodes had at one
//! place in the order of its changes.
//!
//! The volume itself moves on while its changes are worked off, and does not
//! know the names of a file. What lives here: names and paths. What does not:
//! what the inodes hold.

mod names;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use larder_core::{Change, NodeId};

use crate::layout::key_length;

use self::names::Names;

/// The deepest that a path is followed: guards against a loop, which a volume
/// never has. POSIX's `PATH_MAX` allows no more directories than this.
const DEEPEST: usize = 4096;

/// One name: the directory that has it, and the name there.
pub type Name = (NodeId, Arc<str>);

/// The names of a volume.
#[derive(Debug)]
pub struct Mirror {
    root: NodeId,
    /// Where each inode that has a name is found; the root has none.
    names: HashMap<NodeId, Names>,
    /// What each directory that is known has in it.
    entries: HashMap<NodeId, BTreeMap<Arc<str>, NodeId>>,
}

impl Mirror {
    /// The names of an empty volume.
    #[must_use]
    pub fn new(root: NodeId) -> Self {
        Self { root, names: HashMap::new(), entries: HashMap::from([(root, BTreeMap::new())]) }
    }

    /// Follows one change of the volume.
    pub fn apply(&mut self, change: &Change<'_>) {
        match *change {
            Change::Create { directory, name, node, made, .. } => {
                self.add(directory, name, node, matches!(made, larder_core::Made::Directory { .. }));
            }
            Change::Link { node, directory, name } => self.add(directory, name, node, false),
            Change::Remove { directory, name, .. } => drop(self.take(directory, name)),
            Change::Rename { node, from, from_name, to, to_name, .. } => {
                // Not forgotten between the two names, with what is below it.
                self.detach(from, from_name);
                self.add(to, to_name, node, self.is_directory(node));
            }
            Change::Write { .. } | Change::SetSize { .. } | Change::SetTimes { .. } | Change::SetMode { .. } => {}
        }
    }

    /// Adds a name, in place of what had it.
    pub fn add(&mut self, directory: NodeId, name: &str, node: NodeId, is_directory: bool) {
        self.take(directory, name);
        let name: Arc<str> = name.into();
        self.entries.entry(directory).or_default().insert(name.clone(), node);
        self.names.entry(node).or_default().push((directory, name));
        if is_directory {
            self.entries.entry(node).or_default();
        }
    }

    /// Takes a name away; answers what had it. A directory whose name goes is
    /// empty, or forgotten with all that is known to be below it.
    pub fn take(&mut self, directory: NodeId, name: &str) -> Option<NodeId> {
        let node = self.detach(directory, name)?;
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            if self.names.contains_key(&node) {
                continue;
            }
            let names: Vec<_> = self.entries.get(&node).into_iter().flat_map(BTreeMap::keys).cloned().collect();
            open.extend(names.iter().filter_map(|name| self.detach(node, name)));
            self.entries.remove(&node);
        }
        Some(node)
    }

    /// Takes a name off what has it.
    fn detach(&mut self, directory: NodeId, name: &str) -> Option<NodeId> {
        let node = self.entries.get_mut(&directory)?.remove(name)?;
        if self.names.get_mut(&node).is_some_and(|names| names.remove(directory, name)) {
            self.names.remove(&node);
        }
        Some(node)
    }

    /// What a name names.
    #[must_use]
    pub fn lookup(&self, directory: NodeId, name: &str) -> Option<NodeId> {
        self.entries.get(&directory)?.get(name).copied()
    }

    /// Whether an inode is a directory that has a name, or the root.
    #[must_use]
    pub fn is_directory(&self, node: NodeId) -> bool {
        self.entries.contains_key(&node)
    }

    /// Whether a directory has nothing in it that is known.
    #[must_use]
    pub fn is_empty(&self, directory: NodeId) -> bool {
        self.entries.get(&directory).is_some_and(BTreeMap::is_empty)
    }

    /// The names of an inode, the oldest first; none for the root, and for one
    /// that is only open.
    pub fn names(&self, node: NodeId) -> impl Iterator<Item = &Name> {
        self.names.get(&node).into_iter().flat_map(Names::iter)
    }

    /// The path of an inode by its oldest name, relative to the root, whose own
    /// is empty; `None` without a name.
    #[must_use]
    pub fn path(&self, node: NodeId) -> Option<String> {
        let mut parts: Vec<&str> = Vec::new();
        let mut at = node;
        while at != self.root {
            let (directory, name) = self.names(at).next()?;
            parts.push(name);
            at = *directory;
            if parts.len() > DEEPEST {
                return None;
            }
        }
        parts.reverse();
        Some(parts.join("/"))
    }

    /// The path of a name in a directory, whatever it names.
    #[must_use]
    pub fn path_of(&self, directory: NodeId, name: &str) -> Option<String> {
        let above = self.path(directory)?;
        Some(if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") })
    }

    /// All paths of an inode.
    #[must_use]
    pub fn paths(&self, node: NodeId) -> Vec<String> {
        self.names(node).filter_map(|(directory, name)| self.path_of(*directory, name)).collect()
    }

    /// All that is known below a directory: paths relative to it, and inodes,
    /// a directory before what is in it.
    #[must_use]
    pub fn below(&self, directory: NodeId) -> Vec<(String, NodeId)> {
        let mut found = Vec::new();
        let mut open = vec![(String::new(), directory)];
        while let Some((above, directory)) = open.pop() {
            for (name, node) in self.entries.get(&directory).into_iter().flatten() {
                let path = if above.is_empty() { name.to_string() } else { format!("{above}/{name}") };
                if self.is_directory(*node) {
                    open.push((path.clone(), *node));
                }
                found.push((path, *node));
            }
        }
        found
    }

    /// Bytes that the longest path below a directory, relative to it, has in a
    /// key.
    #[must_use]
    pub fn longest_below(&self, directory: NodeId) -> usize {
        self.below(directory).iter().map(|(path, _)| key_length(path)).max().unwrap_or(0)
    }
}
