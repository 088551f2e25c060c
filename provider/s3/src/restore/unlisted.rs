//! Which directories are not listed yet, in the order in which they were
//! found.

use std::collections::{BTreeMap, HashMap, HashSet};

use larder_core::NodeId;
use parking_lot::Mutex;

use crate::mirror::Mirror;

/// The directories that are known and not listed.
#[derive(Debug, Default)]
pub(super) struct Unlisted(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    numbers: HashMap<NodeId, u64>,
    order: BTreeMap<u64, NodeId>,
    last: u64,
    /// Directories of which the bucket had nothing when they were listed.
    /// SeaweedFS shows one for a time after its last object went.
    hollow: HashSet<NodeId>,
}

impl Unlisted {
    pub(super) fn add(&self, directory: NodeId) {
        let mut inner = self.0.lock();
        inner.last += 1;
        let number = inner.last;
        if let Some(old) = inner.numbers.insert(directory, number) {
            inner.order.remove(&old);
        }
        inner.order.insert(number, directory);
    }

    /// It is gone.
    pub(super) fn remove(&self, directory: NodeId) {
        self.0.lock().hollow.remove(&directory);
        self.listed(directory);
    }

    /// It is listed.
    pub(super) fn listed(&self, directory: NodeId) {
        let mut inner = self.0.lock();
        if let Some(number) = inner.numbers.remove(&directory) {
            inner.order.remove(&number);
        }
    }

    /// It is listed, and the bucket has nothing of it.
    pub(super) fn add_hollow(&self, directory: NodeId) {
        self.0.lock().hollow.insert(directory);
    }

    pub(super) fn contains(&self, directory: NodeId) -> bool {
        self.0.lock().numbers.contains_key(&directory)
    }

    pub(super) fn len(&self) -> u64 {
        self.0.lock().order.len() as u64
    }

    /// The first one behind `cursor`, which moves on.
    pub(super) fn next(&self, cursor: &mut u64) -> Option<NodeId> {
        let inner = self.0.lock();
        let (number, directory) = inner.order.range(*cursor + 1..).next()?;
        *cursor = *number;
        Some(*directory)
    }

    /// Those that may be gone in the bucket without any object that tells.
    pub(super) fn may_be_gone(&self) -> Vec<NodeId> {
        let inner = self.0.lock();
        inner.order.values().chain(&inner.hollow).copied().collect()
    }

    /// Those below a directory, and itself.
    pub(super) fn below(&self, mirror: &Mirror, directory: NodeId) -> Vec<NodeId> {
        let is_below = |node: NodeId| {
            let mut at = node;
            while at != directory {
                let Some((above, _)) = mirror.names(at).next() else { return false };
                at = *above;
            }
            true
        };
        self.0.lock().order.values().copied().filter(|node| is_below(*node)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_come_in_the_order_in_which_they_were_found() {
        let [a, b, c] = [1, 2, 3].map(|ino| NodeId { ino, generation: 1 });
        let unlisted = Unlisted::default();
        unlisted.add(b);
        unlisted.add(a);
        let mut cursor = 0;
        assert_eq!(unlisted.next(&mut cursor), Some(b));
        unlisted.add(c);
        unlisted.remove(a);
        assert_eq!((unlisted.next(&mut cursor), unlisted.next(&mut cursor)), (Some(c), None));
        assert_eq!((unlisted.len(), unlisted.contains(a), unlisted.contains(b)), (2, false, true));
        unlisted.add_hollow(a);
        assert_eq!(unlisted.may_be_gone(), [b, c, a]);
    }
}
