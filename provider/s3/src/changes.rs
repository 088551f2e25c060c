//! What was changed and is not in the bucket: which names, which inodes. What
//! they hold is asked of the volume when a group is taken, so that several
//! changes of one file are one upload.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use larder_core::{Change, Made, NodeId};

use crate::mirror::Mirror;

/// Permission bits of a directory that has no object for its attributes.
pub(crate) const DIRECTORY_MODE: u32 = 0o755;

/// A file of which so much was written without a gap since the last group is a
/// stream: 2 MiB.
const STREAM: u64 = 2 << 20;

/// What the bucket does not have of an inode.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dirty {
    /// Its content.
    pub(crate) content: bool,
    /// Whether it goes with the next group, or waits for somebody who writes
    /// it to close it.
    pub(crate) is_due: bool,
    /// Bytes that were written, the same ones again included, and are not on
    /// their way ahead of any group.
    pub(crate) bytes: u64,
    /// The last bytes that were written one after another: from, and to.
    pub(crate) run: (u64, u64),
    /// When it was last changed.
    pub(crate) last: Instant,
}

/// The changes since the last group.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// The number of the newest change; the first is 1.
    pub(crate) recorded: u64,
    /// Paths that came, went, or name something else.
    pub(crate) paths: BTreeSet<String>,
    /// Inodes whose content or attributes changed.
    pub(crate) nodes: HashMap<NodeId, Dirty>,
    /// Those of them that are streams and have a name.
    pub(crate) streams: HashSet<NodeId>,
    /// What new symbolic links hold.
    pub(crate) targets: HashMap<NodeId, Arc<str>>,
    /// Inodes that lost their last name, and may be open.
    pub(crate) unnamed: Vec<NodeId>,
    /// When the oldest of these changes happened.
    pub(crate) oldest: Option<Instant>,
    /// Bytes that were written.
    pub(crate) bytes: u64,
}

impl Changes {
    /// Notes one change, and applies it to the mirror. `defer`: a stream of
    /// writes to a file waits for its end.
    pub(crate) fn record(&mut self, mirror: &mut Mirror, change: &Change<'_>, defer: bool) {
        self.recorded += 1;
        let now = Instant::now();
        self.oldest.get_or_insert(now);
        match *change {
            Change::Create { directory, name, node, made, open } => {
                mirror.apply(change);
                let is_stream = open && defer;
                if !is_stream {
                    self.paths.extend(mirror.path_of(directory, name));
                }
                match made {
                    Made::File { .. } => self.touch(node, true, !is_stream, 0, now),
                    Made::Directory { mode } if mode == DIRECTORY_MODE => {}
                    Made::Directory { .. } => self.touch(node, false, true, 0, now),
                    Made::Symlink { target } => {
                        self.targets.insert(node, target.into());
                    }
                }
            }
            Change::Link { node, directory, name } => {
                mirror.apply(change);
                self.paths.extend(mirror.path_of(directory, name));
                // The others' metadata names the link, too.
                self.touch(node, false, true, 0, now);
            }
            Change::Remove { node, directory, name } => {
                self.paths.extend(mirror.path_of(directory, name));
                mirror.apply(change);
                self.lost_name(mirror, node);
            }
            Change::Rename { node, from, from_name, to, to_name, replaced } => {
                let below = if mirror.is_directory(node) { mirror.below(node) } else { Vec::new() };
                let old = mirror.path_of(from, from_name);
                mirror.apply(change);
                let new = mirror.path_of(to, to_name);
                for path in [old, new].into_iter().flatten() {
                    self.paths.extend(below.iter().map(|(relative, _)| format!("{path}/{relative}")));
                    self.paths.insert(path);
                }
                for moved in below.iter().map(|(_, node)| *node).chain([node]) {
                    // Objects of one file have one etag, by which they are known
                    // again: what copies one copies all.
                    if mirror.names(moved).nth(1).is_some() && !mirror.is_directory(moved) {
                        self.touch(moved, false, true, 0, now);
                    }
                    if let Some(dirty) = self.nodes.get_mut(&moved) {
                        dirty.is_due = true;
                    }
                }
                if let Some(replaced) = replaced {
                    self.lost_name(mirror, replaced);
                }
            }
            Change::Write { node, offset, data } => {
                let bytes = data.len() as u64;
                self.touch(node, true, !defer, bytes, now);
                self.wrote(mirror, node, offset, bytes);
            }
            Change::SetSize { node, .. } => self.touch(node, true, !defer, 0, now),
            Change::SetTimes { node, .. } | Change::SetMode { node, .. } => self.touch(node, false, !defer, 0, now),
        }
    }

    fn touch(&mut self, node: NodeId, content: bool, is_due: bool, bytes: u64, now: Instant) {
        let fresh = Dirty { content, is_due, bytes: 0, run: (0, 0), last: now };
        let dirty = self.nodes.entry(node).or_insert(fresh);
        dirty.content |= content;
        dirty.is_due |= is_due;
        dirty.bytes += bytes;
        dirty.last = now;
        self.bytes += bytes;
    }

    fn wrote(&mut self, mirror: &Mirror, node: NodeId, offset: u64, bytes: u64) {
        let Some(dirty) = self.nodes.get_mut(&node) else { return };
        let end = offset.saturating_add(bytes);
        dirty.run = if dirty.run.1 == offset { (dirty.run.0, end) } else { (offset, end) };
        if end.saturating_sub(dirty.run.0) < STREAM {
            self.streams.remove(&node);
        } else if !self.streams.contains(&node) && mirror.names(node).next().is_some() {
            self.streams.insert(node);
        }
    }

    fn lost_name(&mut self, mirror: &Mirror, node: NodeId) {
        if mirror.names(node).next().is_none() {
            self.unnamed.push(node);
            self.targets.remove(&node);
            if let Some(dirty) = self.take(node) {
                self.bytes -= dirty.bytes;
            }
        }
    }

    /// Takes out what the bucket does not have of an inode. The bytes go on to
    /// count.
    pub(crate) fn take(&mut self, node: NodeId) -> Option<Dirty> {
        self.streams.remove(&node);
        self.nodes.remove(&node)
    }

    /// So many bytes of a file are not in memory any more.
    pub(crate) fn parked(&mut self, node: NodeId, bytes: u64) {
        let Some(dirty) = self.nodes.get_mut(&node) else { return };
        let bytes = bytes.min(dirty.bytes);
        dirty.bytes -= bytes;
        self.bytes -= bytes;
    }

    /// The streams, with what the bucket does not have of each.
    pub(crate) fn streams(&self) -> impl Iterator<Item = (NodeId, &Dirty)> {
        self.streams.iter().filter_map(|node| Some((*node, self.nodes.get(node)?)))
    }

    /// Makes a file go with the next group; answers whether it had changed.
    pub(crate) fn make_due(&mut self, node: NodeId) -> bool {
        let found = self.nodes.get_mut(&node);
        if let Some(dirty) = found {
            dirty.is_due = true;
            return true;
        }
        false
    }

    /// Makes all go with the next group.
    pub(crate) fn make_all_due(&mut self) {
        self.nodes.values_mut().for_each(|dirty| dirty.is_due = true);
    }

    /// Makes all but streams go with the next group.
    pub(crate) fn make_others_due(&mut self) {
        let Self { nodes, streams, .. } = self;
        nodes.iter_mut().for_each(|(node, dirty)| dirty.is_due |= !streams.contains(node));
    }

    /// Whether a group would have nothing.
    pub(crate) fn is_idle(&self) -> bool {
        self.paths.is_empty() && self.unnamed.is_empty() && !self.nodes.values().any(|dirty| dirty.is_due)
    }

    /// How many names and inodes there are.
    pub(crate) fn len(&self) -> usize {
        self.paths.len() + self.nodes.len()
    }
}
