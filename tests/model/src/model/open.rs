//! Open handles keep a node that has no name.

use larder_core::{ErrorCode, NodeId, Reply};

use super::{Answer, Model};

impl Model {
    pub(super) fn open(&mut self, id: NodeId) -> Answer {
        self.get(id)?;
        if self.handles.len() as u64 >= self.limits.open_handles {
            return Err(ErrorCode::Quota);
        }
        let handle = self.next_handle;
        self.next_handle += 1;
        self.handles.insert(handle, id.ino);
        Ok(Reply::Handle(handle))
    }

    pub(super) fn close(&mut self, handle: u64) -> Answer {
        self.handles.remove(&handle).map(|_| Reply::Done).ok_or(ErrorCode::BadDescriptor)
    }
}
