//! One session with a served volume.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use larder_core::{Error, ErrorCode, Result};
use larder_nats_client::{ServedStore, VolumeUsage};
use larder_store_service::{Answer, Call, MAX_NOTES, Node, Note, Store, VERSION};

use super::RemoteDirectory;

/// A session, its number of calls, and the nodes that it need not hold any
/// more: that is told with the next call.
pub(super) struct Session {
    store: ServedStore,
    id: u64,
    operations: Cell<u64>,
    closed: RefCell<Vec<Node>>,
}

impl Session {
    /// Gives the root of a store's volume, which is shown as `address`.
    ///
    /// # Errors
    /// When the volume cannot be reached, within the options' deadline.
    pub(super) fn begin(store: ServedStore, address: &str) -> anyhow::Result<RemoteDirectory> {
        let told = |code| anyhow::Error::new(Error::new(code, "begin")).context(address.to_owned());
        let welcome = store.begin(VERSION).map_err(told)?;
        let mount = welcome.mounts.into_iter().next().ok_or_else(|| told(ErrorCode::Io))?;
        let session = Self { store, id: welcome.session, operations: Cell::new(0), closed: RefCell::default() };
        Ok(RemoteDirectory::root(Rc::new(session), mount.root.node))
    }

    /// One call.
    pub(super) fn ask<T>(
        &self,
        operation: &'static str,
        ask: impl FnOnce(&ServedStore, &Call) -> Answer<T>,
    ) -> Result<T> {
        let number = self.operations.get() + 1;
        self.operations.set(number);
        let mut closed = self.closed.borrow_mut();
        let first = closed.len().saturating_sub(MAX_NOTES);
        let notes = closed.drain(first..).map(|node| Note { node, read: false, closed: true }).collect();
        drop(closed);
        let call = Call { session: self.id, operation: number, notes };
        ask(&self.store, &call).map_err(|code| Error::new(code, operation))
    }

    /// What the volume holds, and may hold.
    pub(super) fn usage(&self) -> Result<VolumeUsage> {
        self.store.usage().map_err(|code| Error::new(code, "usage"))
    }

    /// Lets go of a node, with the next call.
    pub(super) fn close(&self, node: Node) {
        self.closed.borrow_mut().push(node);
    }
}
