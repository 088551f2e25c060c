//! One session with a served volume.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use larder_core::{Error, ErrorCode, Result};
use larder_nats_client::{Access, Address, NatsStore, Options};
use larder_store_service::{Answer, Call, MAX_NOTES, Node, Note, Store, VERSION};

use super::RemoteDirectory;

/// A session, its number of calls, and the nodes that it need not hold any
/// more: that is told with the next call.
pub(super) struct Session {
    store: NatsStore,
    id: u64,
    operations: Cell<u64>,
    closed: RefCell<Vec<Node>>,
}

impl Session {
    /// Connects, and gives the volume's root.
    ///
    /// # Errors
    /// When the volume cannot be reached, within the options' deadline.
    pub(super) fn begin(address: &Address, access: Access, options: &Options) -> anyhow::Result<RemoteDirectory> {
        let store = NatsStore::connect(address, Options { access, ..options.clone() })?;
        let told = |code| anyhow::Error::new(Error::new(code, "begin")).context(address.to_string());
        let welcome = store.begin(VERSION).map_err(told)?;
        let mount = welcome.mounts.into_iter().next().ok_or_else(|| told(ErrorCode::Io))?;
        let session = Self { store, id: welcome.session, operations: Cell::new(0), closed: RefCell::default() };
        Ok(RemoteDirectory::root(Rc::new(session), mount.root.node))
    }

    /// One call.
    pub(super) fn ask<T>(
        &self,
        operation: &'static str,
        ask: impl FnOnce(&NatsStore, &Call) -> Answer<T>,
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

    /// Lets go of a node, with the next call.
    pub(super) fn close(&self, node: Node) {
        self.closed.borrow_mut().push(node);
    }
}
