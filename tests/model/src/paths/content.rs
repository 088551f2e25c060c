//! What a descriptor does with what it has open.

use larder_core::{DescriptorFlags, ErrorCode, NodeId, Operation, Reply, SetTime, Timestamp};

use super::ModelDescriptor;
use crate::model::{Answer, Model};

/// A day: an access time that old is renewed by any read.
const DAY: i64 = 86_400;

impl ModelDescriptor {
    fn id(&self, model: &Model) -> NodeId {
        self.node(model).id
    }

    fn check_file(&self, model: &Model, flags: DescriptorFlags) -> Answer<()> {
        if self.node(model).is_directory() {
            return Err(ErrorCode::IsDirectory);
        }
        self.check_open_for(flags)
    }

    pub(super) fn read(&self, model: &mut Model, offset: u64, length: u32) -> Answer {
        self.check_file(model, DescriptorFlags::READ)?;
        let node = self.id(model);
        Self::apply(model, Timestamp::default(), &Operation::Read { node, offset, length })
    }

    /// The first read through a descriptor renews the access time, as
    /// `relatime` does: if it is not newer than the last change, or old.
    pub(super) fn touch_read(&mut self, model: &mut Model, now: Timestamp) {
        if self.was_read || !self.view.writable {
            self.was_read |= true;
            return;
        }
        self.was_read = true;
        let node = model.nodes.get_mut(&self.ino).unwrap();
        let old = node.accessed;
        if old < now && (old <= node.modified || old <= node.changed || now.seconds.saturating_sub(old.seconds) >= DAY)
        {
            node.accessed = now;
        }
    }

    pub(super) fn write(&self, model: &mut Model, now: Timestamp, offset: Option<u64>, data: &bytes::Bytes) -> Answer {
        self.check_file(model, DescriptorFlags::WRITE)?;
        let (node, data) = (self.id(model), data.clone());
        let operation = match offset {
            Some(offset) => Operation::Write { node, offset, data },
            None => Operation::Append { node, data },
        };
        Self::apply(model, now, &operation).map(|_| Reply::Done)
    }

    pub(super) fn set_size(&self, model: &mut Model, now: Timestamp, size: u64) -> Answer {
        self.check_file(model, DescriptorFlags::WRITE)?;
        let node = self.id(model);
        Self::apply(model, now, &Operation::SetSize { node, size })
    }

    pub(super) fn set_times(&self, model: &mut Model, now: Timestamp, times: [SetTime; 2]) -> Answer {
        if !self.view.writable {
            return Err(ErrorCode::ReadOnly);
        }
        let node = self.id(model);
        Self::apply(model, now, &Operation::SetTimes { node, accessed: times[0], modified: times[1] })
    }

    pub(super) fn list(&self, model: &mut Model, after: u64, max: u32) -> Answer {
        self.node(model).directory()?;
        self.check_open_for(DescriptorFlags::READ)?;
        let directory = self.id(model);
        Self::apply(model, Timestamp::default(), &Operation::ReadDirectory { directory, after, max })
    }
}
