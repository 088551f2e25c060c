//! What the bucket has, as far as Larder knows.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use larder_bucket::Etag;
use larder_core::NodeId;

use crate::layout::LinkId;
use crate::place::Place;

/// The most inodes of one identity that are told apart by their contents.
/// Guards the time of looking, against a tool that gives all objects the same
/// metadata.
const MOST_LINKED: usize = 64;

/// What a key has.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// The object's version, for the condition of the next change.
    pub(crate) etag: Etag,
    /// The inode that it stands for: a file or symbolic link, or the directory
    /// of a marker or of attributes.
    pub(crate) node: NodeId,
    /// The version of the node's content that is in it; empty where it has
    /// none.
    pub(crate) version: Arc<str>,
}

/// What the bucket has, by key and by inode.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    keys: HashMap<Arc<str>, Known>,
    places: HashMap<NodeId, Place>,
    links: HashMap<NodeId, LinkId>,
    /// The identity that an inode came with.
    came_with: HashMap<NodeId, LinkId>,
    /// The inodes that have an identity, or came with it; each has another
    /// content. The first one keeps it.
    linked: HashMap<LinkId, Vec<NodeId>>,
    /// Directories that have an object for their attributes.
    described: HashSet<NodeId>,
}

impl Catalogue {
    /// What a key has.
    pub(crate) fn key(&self, key: &str) -> Option<&Known> {
        self.keys.get(key)
    }

    /// All keys, in no order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&Arc<str>, &Known)> {
        self.keys.iter()
    }

    /// Where a file's stored content is.
    pub(crate) fn place(&self, node: NodeId) -> Option<&Place> {
        self.places.get(&node)
    }

    /// Notes an object.
    pub(crate) fn set_key(&mut self, key: &Arc<str>, known: Known) {
        self.keys.insert(Arc::clone(key), known);
    }

    /// Notes that there is no such object any more.
    pub(crate) fn remove_key(&mut self, key: &str) -> Option<Known> {
        self.keys.remove(key)
    }

    /// Notes where a file's content is.
    pub(crate) fn set_place(&mut self, node: NodeId, place: Place) {
        self.places.insert(node, place);
    }

    /// The object at a key is not a file's any more. Where its content was read
    /// from there, and it has another name, that one's object is read.
    pub(crate) fn read_elsewhere(&mut self, node: NodeId, key: &str) {
        let Some(place) = self.places.get(&node).filter(|place| *place.key == *key) else { return };
        // Only files with several names have another object; few do.
        if self.known_link(node).is_none() {
            return;
        }
        let is_same = |known: &Known| known.node == node && known.version == place.version;
        let other = self.keys.iter().find(|(other, known)| ***other != *key && is_same(known));
        if let Some((key, known)) = other {
            let place = Place { key: Arc::clone(key), etag: known.etag.clone(), ..place.clone() };
            self.places.insert(node, place);
        }
    }

    /// Forgets a file that is gone.
    pub(crate) fn forget(&mut self, node: NodeId) {
        self.places.remove(&node);
        for link in [self.links.remove(&node), self.came_with.remove(&node)].into_iter().flatten() {
            if let Some(nodes) = self.linked.get_mut(&link) {
                nodes.retain(|known| *known != node);
                if nodes.is_empty() {
                    self.linked.remove(&link);
                }
            }
        }
        self.described.remove(&node);
    }

    /// The identity that the objects of a file with several names share; drawn
    /// when it is first asked for.
    pub(crate) fn link(&mut self, node: NodeId) -> LinkId {
        *self.links.entry(node).or_insert_with(|| {
            let link = LinkId(fastrand::u128(..));
            self.linked.insert(link, vec![node]);
            link
        })
    }

    /// The identity, where it has one.
    pub(crate) fn known_link(&self, node: NodeId) -> Option<LinkId> {
        self.links.get(&node).copied()
    }

    /// Notes an identity that an object has. Another file's, of which this one
    /// is a copy that changed, is not written again.
    pub(crate) fn set_link(&mut self, node: NodeId, link: LinkId) {
        let nodes = self.linked.entry(link).or_default();
        if nodes.is_empty() {
            self.links.entry(node).or_insert(link);
        }
        if !nodes.contains(&node) && nodes.len() < MOST_LINKED {
            nodes.push(node);
            self.came_with.insert(node, link);
        }
    }

    /// The inodes that have an identity, or came with it.
    pub(crate) fn linked(&self, link: LinkId) -> &[NodeId] {
        self.linked.get(&link).map_or(&[], Vec::as_slice)
    }

    /// Whether a directory has an object for its attributes.
    pub(crate) fn is_described(&self, node: NodeId) -> bool {
        self.described.contains(&node)
    }

    /// Notes that it has one.
    pub(crate) fn set_described(&mut self, node: NodeId) {
        self.described.insert(node);
    }
}
