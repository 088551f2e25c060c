//! Content.

use bytes::Bytes;
use larder_core::{ErrorCode, NodeId, Reply, Timestamp};

use super::{Answer, Model};

/// One read gives no more than this: 16 MiB.
const MOST_READ: u64 = 16 << 20;

impl Model {
    pub(super) fn read(&self, node: NodeId, offset: u64, length: u32) -> Answer {
        let content = self.get(node)?.file()?;
        Ok(Reply::Data(Bytes::from(content.read(offset, u64::from(length).min(MOST_READ)))))
    }

    pub(super) fn write(&mut self, now: Timestamp, id: NodeId, offset: u64, data: &[u8]) -> Answer {
        let length = data.len() as u64;
        let content = self.get(id)?.file()?;
        // A write of nothing is not even checked against the limits.
        if length > 0 {
            if u128::from(offset) + u128::from(length) > u128::from(self.limits.file_bytes) {
                return Err(ErrorCode::FileTooLarge);
            }
            let mut written = content.clone();
            written.write(offset, data);
            self.check_space(written.allocated() - content.allocated())?;
            *self.get_mut(id)?.file_mut() = written;
            self.touch_content(id.ino, now);
        }
        Ok(Reply::Written { offset, length })
    }

    pub(super) fn append(&mut self, now: Timestamp, id: NodeId, data: &[u8]) -> Answer {
        let end = self.get(id)?.file()?.size();
        self.write(now, id, end, data)
    }

    pub(super) fn set_size(&mut self, now: Timestamp, id: NodeId, size: u64) -> Answer {
        self.get(id)?.file()?;
        if size > self.limits.file_bytes {
            return Err(ErrorCode::FileTooLarge);
        }
        self.get_mut(id)?.file_mut().set_size(size);
        self.touch_content(id.ino, now);
        Ok(Reply::Done)
    }
}
