//! The nodes that a session holds, and the descriptors that hold them.

use std::collections::HashMap;

use larder_core::{Descriptor, DescriptorFlags, ErrorCode};

use crate::protocol::{Answer, Node};

/// Most holds of one session: 65,536. Guards the memory of the service; the
/// volume's own bound on open descriptors may be lower.
pub const MOST_NODES: usize = 1 << 16;

/// One node: a descriptor for each answer that holds it. What the node may be
/// used for is what any of them was opened for.
#[derive(Default)]
struct Held {
    /// Oldest first.
    descriptors: Vec<Descriptor>,
    /// Answers that are not closed yet. There are never fewer descriptors.
    answers: usize,
}

impl Held {
    fn newest(&self, needed: DescriptorFlags) -> Option<&Descriptor> {
        let newest = |needed| self.descriptors.iter().rev().find(|held| held.flags().contains(needed));
        // Without the access the newest of all says why not.
        newest(needed).or_else(|| self.descriptors.last())
    }

    /// Drops the oldest descriptor whose access a newer one has as well. A note
    /// does not say which answer it ends: what is left allows what was allowed.
    fn shrink(&mut self) {
        let newest = self.newest(DescriptorFlags::READ).into_iter().chain(self.newest(DescriptorFlags::WRITE));
        let access = newest.map(Descriptor::flags).fold(DescriptorFlags::empty(), DescriptorFlags::union);
        let kept: Vec<*const Descriptor> = [DescriptorFlags::READ, DescriptorFlags::WRITE]
            .into_iter()
            .filter_map(|needed| self.newest(needed).map(std::ptr::from_ref))
            .collect();
        let spare = self
            .descriptors
            .iter()
            .position(|held| access.contains(held.flags()) && !kept.contains(&std::ptr::from_ref(held)));
        if let Some(spare) = spare {
            self.descriptors.remove(spare);
        }
    }
}

/// The table of one session.
#[derive(Default)]
pub(crate) struct HeldNodes {
    nodes: HashMap<Node, Held>,
    answers: usize,
}

impl HeldNodes {
    /// Whether another answer can hold a node.
    pub(crate) const fn admit(&self) -> Answer<()> {
        if self.answers < MOST_NODES { Ok(()) } else { Err(ErrorCode::Quota) }
    }

    /// How many answers hold a node.
    pub(crate) const fn answers(&self) -> usize {
        self.answers
    }

    /// Holds a node by a descriptor, for one answer more.
    pub(crate) fn hold(&mut self, node: Node, descriptor: Descriptor) {
        let held = self.nodes.entry(node).or_default();
        held.descriptors.push(descriptor);
        held.answers += 1;
        self.answers += 1;
    }

    /// Ends one answer's hold; a node that is not held is nobody's loss.
    pub(crate) fn close(&mut self, node: Node) {
        let Some(held) = self.nodes.get_mut(&node) else { return };
        held.answers -= 1;
        self.answers -= 1;
        if held.answers == 0 {
            self.nodes.remove(&node);
        } else {
            held.shrink();
        }
    }

    /// The descriptor for reading and for paths.
    pub(crate) fn reader(&self, node: Node) -> Answer<&Descriptor> {
        self.newest(node, DescriptorFlags::READ)
    }

    /// The descriptor for writing.
    pub(crate) fn writer(&self, node: Node) -> Answer<&Descriptor> {
        self.newest(node, DescriptorFlags::WRITE)
    }

    fn newest(&self, node: Node, needed: DescriptorFlags) -> Answer<&Descriptor> {
        self.nodes.get(&node).and_then(|held| held.newest(needed)).ok_or(ErrorCode::BadDescriptor)
    }
}
