//! Builds record payloads. Little endian; strings with a 32-bit length.

use super::layout::file_type_to_byte;
use crate::volume::FrozenNode;
use crate::{DirectoryEntry, NodeId, Timestamp};

/// A payload under construction; its memory is used again and again.
#[derive(Default)]
pub(super) struct Payload(Vec<u8>);

impl Payload {
    pub(super) fn clear(&mut self) -> &mut Self {
        self.0.clear();
        self
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn u8(&mut self, value: u8) -> &mut Self {
        self.0.push(value);
        self
    }

    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(super) fn u64(&mut self, value: u64) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    fn i64(&mut self, value: i64) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    fn time(&mut self, time: Timestamp) -> &mut Self {
        self.i64(time.seconds).u32(time.nanoseconds)
    }

    pub(super) fn node_id(&mut self, id: NodeId) -> &mut Self {
        self.u64(id.ino).u64(id.generation)
    }

    /// A string. One that is too long for its length field is also too long
    /// for a record, which the record writer refuses.
    pub(super) fn string(&mut self, text: &str) -> &mut Self {
        self.u32(u32::try_from(text.len()).unwrap_or(u32::MAX));
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    /// What every node has, whatever its kind.
    pub(super) fn node(&mut self, node: &FrozenNode) -> &mut Self {
        self.node_id(node.id)
            .u64(node.link_count)
            .u64(node.version)
            .time(node.accessed)
            .time(node.modified)
            .time(node.changed)
            .u32(node.mode)
    }

    pub(super) fn entry(&mut self, entry: &DirectoryEntry) -> &mut Self {
        self.u64(entry.cookie).node_id(entry.id).u8(file_type_to_byte(entry.file_type)).string(&entry.name)
    }
}
