//! The reference model: one thread, plain maps, nothing cached. Link counts,
//! charges and what is still alive are counted afresh from the tree whenever
//! they are asked for, where the core keeps them up to date.

mod attributes;
mod content;
mod data;
mod names;
mod node;
mod open;
mod rename;

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use larder_core::{Context, ErrorCode, Limits, NodeId, Operation, Reply, Timestamp, Usage, VolumeOptions};

pub use self::content::Content;
pub use self::node::{Body, Directory, Entry, Node};

/// The root's inode number.
pub const ROOT: u64 = 1;

/// Inode numbers are below this: a snapshot holds counters below 2^62, and
/// the number that follows must be one.
pub const INO_BOUND: u64 = (1 << 62) - 1;

/// An answer of the model.
pub type Answer<T = Reply> = Result<T, ErrorCode>;

/// A volume, as it should behave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// What it may hold.
    pub limits: Limits,
    /// The generation of new inodes.
    pub generation: u64,
    /// Every inode that has a name or is open, by number.
    pub nodes: BTreeMap<u64, Node>,
    /// Open handles and the inode of each.
    pub handles: BTreeMap<u64, u64>,
    next_ino: u64,
    next_handle: u64,
}

impl Hash for Model {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Limits and generation never change.
        (&self.nodes, &self.handles, self.next_ino, self.next_handle).hash(state);
    }
}

impl Model {
    /// An empty volume.
    #[must_use]
    pub fn new(options: &VolumeOptions) -> Self {
        let id = NodeId { ino: ROOT, generation: options.generation };
        let root = Node::new(id, 0o755, options.now, Body::Directory(Directory::new(ROOT)));
        Self {
            limits: options.limits.clone(),
            generation: options.generation,
            nodes: BTreeMap::from([(ROOT, root)]),
            handles: BTreeMap::new(),
            next_ino: ROOT + 1,
            next_handle: 1,
        }
    }

    /// Carries out one operation; one that fails changes nothing.
    ///
    /// # Errors
    /// The code that the volume must give.
    pub fn apply(&mut self, context: &Context, operation: &Operation) -> Answer {
        let now = context.now;
        let answer = match operation {
            Operation::Lookup { directory, name } => self.lookup(*directory, name),
            Operation::GetAttributes { node } => self.get(*node).map(|node| Reply::Node(self.attributes(node))),
            Operation::ReadLink { node } => self.read_link(*node),
            Operation::ReadDirectory { directory, after, max } => self.read_directory(*directory, *after, *max),
            Operation::Read { node, offset, length } => self.read(*node, *offset, *length),
            Operation::CreateFile { directory, name, mode } => {
                self.create(context, *directory, name, *mode, Body::File(Content::default()))
            }
            Operation::CreateDirectory { directory, name, mode } => {
                self.create(context, *directory, name, *mode, Body::Directory(Directory::new(directory.ino)))
            }
            Operation::CreateSymlink { directory, name, target } => {
                self.create(context, *directory, name, 0o777, Body::Symlink(target.clone()))
            }
            Operation::Link { node, directory, name } => self.link(now, *node, *directory, name),
            Operation::Unlink { directory, name } => self.unlink(now, *directory, name),
            Operation::RemoveDirectory { directory, name } => self.remove_directory(now, *directory, name),
            Operation::Rename { from, from_name, to, to_name } => self.rename(now, *from, from_name, *to, to_name),
            Operation::Write { node, offset, data } => self.write(now, *node, *offset, data),
            Operation::Append { node, data } => self.append(now, *node, data),
            Operation::SetSize { node, size } => self.set_size(now, *node, *size),
            Operation::SetTimes { node, accessed, modified } => self.set_times(now, *node, *accessed, *modified),
            Operation::SetMode { node, mode } => self.set_mode(now, *node, *mode),
            Operation::Open { node } => self.open(*node),
            Operation::Close { handle } => self.close(*handle),
            Operation::Sync => Ok(Reply::Done),
        };
        self.sweep();
        answer
    }

    /// What the volume holds: the sum over its nodes.
    #[must_use]
    pub fn usage(&self) -> Usage {
        Usage {
            bytes: self.nodes.values().map(Node::allocated).sum(),
            inodes: self.nodes.len() as u64,
            open_handles: self.handles.len() as u64,
        }
    }

    /// What a volume is after it was written to a snapshot and read back:
    /// nothing is open, and what was only open is gone.
    pub fn reload(&mut self, generation: u64) {
        self.handles.clear();
        self.next_handle = 1;
        self.generation = generation;
        self.sweep();
    }

    /// The node of an identity.
    ///
    /// # Errors
    /// `no-entry` if it is gone.
    pub fn get(&self, id: NodeId) -> Answer<&Node> {
        self.nodes.get(&id.ino).filter(|node| node.id == id).ok_or(ErrorCode::NoEntry)
    }

    fn get_mut(&mut self, id: NodeId) -> Answer<&mut Node> {
        self.nodes.get_mut(&id.ino).filter(|node| node.id == id).ok_or(ErrorCode::NoEntry)
    }

    /// The directory of an identity.
    ///
    /// # Errors
    /// `no-entry`, `not-directory`.
    pub fn directory(&self, id: NodeId) -> Answer<&Directory> {
        self.get(id)?.directory()
    }

    /// Every entry of every directory.
    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.nodes.values().filter_map(|node| node.directory().ok()).flat_map(|directory| directory.entries.values())
    }

    /// How many links a node has: names of a file; of a directory its name,
    /// its `.` and the `..` of each sub-directory, or none once it is removed.
    #[must_use]
    pub fn link_count(&self, ino: u64) -> u64 {
        let names = self.entries().filter(|entry| entry.ino == ino).count() as u64;
        match &self.nodes[&ino].body {
            Body::Directory(_) if names == 0 && ino != ROOT => 0,
            Body::Directory(directory) => {
                2 + directory.entries.values().filter(|entry| self.nodes[&entry.ino].is_directory()).count() as u64
            }
            _ => names,
        }
    }

    /// Forgets nodes that have no name and are not open.
    fn sweep(&mut self) {
        let mut alive: std::collections::BTreeSet<u64> = self.entries().map(|entry| entry.ino).collect();
        alive.extend(self.handles.values());
        alive.insert(ROOT);
        self.nodes.retain(|ino, _| alive.contains(ino));
    }

    /// Whether `more` bytes still fit.
    fn check_space(&self, more: u64) -> Answer<()> {
        let fits = u128::from(self.usage().bytes) + u128::from(more) <= u128::from(self.limits.bytes);
        if more == 0 || fits { Ok(()) } else { Err(ErrorCode::InsufficientSpace) }
    }

    fn touch_content(&mut self, ino: u64, now: Timestamp) {
        let node = self.nodes.get_mut(&ino).unwrap();
        node.modified = now;
        node.touch(now);
    }
}
