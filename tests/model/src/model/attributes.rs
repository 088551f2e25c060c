//! Attributes: what they are, and setting them.

use larder_core::{Attributes, ErrorCode, NodeId, Reply, SetTime, Timestamp};

use super::{Answer, Body, Model, Node};

fn set(old: Timestamp, new: SetTime, now: Timestamp) -> Timestamp {
    match new {
        SetTime::Keep => old,
        SetTime::Now => now,
        SetTime::At(time) => time,
    }
}

impl Model {
    /// All that is known of a node.
    #[must_use]
    pub fn attributes(&self, node: &Node) -> Attributes {
        Attributes {
            id: node.id,
            file_type: node.file_type(),
            link_count: self.link_count(node.id.ino),
            size: match &node.body {
                Body::File(content) => content.size(),
                Body::Directory(_) | Body::Symlink(_) => node.allocated(),
            },
            allocated: node.allocated(),
            mode: node.mode,
            accessed: node.accessed,
            modified: node.modified,
            changed: node.changed,
            version: node.version,
        }
    }

    pub(super) fn set_times(&mut self, now: Timestamp, id: NodeId, accessed: SetTime, modified: SetTime) -> Answer {
        let node = self.get_mut(id)?;
        if [accessed, modified].iter().any(|time| matches!(time, SetTime::At(time) if time.nanoseconds > 999_999_999)) {
            return Err(ErrorCode::Invalid);
        }
        node.accessed = set(node.accessed, accessed, now);
        node.modified = set(node.modified, modified, now);
        node.touch(now);
        Ok(Reply::Done)
    }

    pub(super) fn set_mode(&mut self, now: Timestamp, id: NodeId, mode: u32) -> Answer {
        let node = self.get_mut(id)?;
        node.mode = mode & 0o7777;
        node.touch(now);
        Ok(Reply::Done)
    }
}
