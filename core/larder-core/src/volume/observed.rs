//! The volume's side of [`Observer`]: nothing where there is none.

use std::sync::Arc;

use super::Volume;
use crate::inode::Inode;
use crate::{Change, Context, Error, ErrorCode, Lister, NodeId, Observer, Proposal, Result, Settling};

impl Volume {
    /// Sets who follows the changes. The first call wins.
    ///
    /// # Errors
    /// `already` if it was set before.
    pub fn set_observer(&self, observer: Arc<dyn Observer>) -> Result<()> {
        self.observer.set(observer).map_err(|_| Error::new(ErrorCode::Already, "set-observer"))
    }

    /// Sets who lists directories that were adopted. The first call wins.
    ///
    /// # Errors
    /// `already` if it was set before.
    pub fn set_lister(&self, lister: Arc<dyn Lister>) -> Result<()> {
        self.lister.set(lister).map_err(|_| Error::new(ErrorCode::Already, "set-lister"))
    }

    /// Runs `look` while nobody changes the volume: what it sees is the state
    /// after all changes that were recorded, and before any other. It may read,
    /// freeze and park contents, and must not change the volume otherwise.
    pub fn at_rest<T>(&self, look: impl FnOnce() -> T) -> T {
        let _alone = self.gate.write();
        look()
    }

    pub(super) fn admit<'a>(&self, proposal: impl FnOnce() -> Proposal<'a>) -> Result<()> {
        match self.observer.get() {
            Some(observer) => observer.admit(proposal()),
            None => Ok(()),
        }
    }

    pub(super) fn record<'a>(&self, context: &Context, change: impl FnOnce() -> Change<'a>) {
        if let Some(observer) = self.observer.get() {
            observer.record(context, change());
        }
    }

    pub(super) fn may_adopt(&self, directory: NodeId, name: &str, named: Option<NodeId>) -> bool {
        self.observer.get().is_none_or(|observer| observer.may_adopt(directory, name, named))
    }

    pub(super) fn adopted(&self, directory: NodeId, name: &str, node: Option<NodeId>) {
        if let Some(observer) = self.observer.get() {
            observer.adopted(directory, name, node);
        }
    }

    pub(super) fn settle(&self, settling: Settling) -> Result<()> {
        match self.observer.get() {
            Some(observer) => observer.settle(settling),
            None => Ok(()),
        }
    }

    pub(crate) fn closed(&self, node: NodeId) {
        if let Some(observer) = self.observer.get() {
            observer.closed(node);
        }
    }

    pub(crate) fn opening(&self, directory: &Inode, name: &str) -> Result<bool> {
        match self.observer.get() {
            Some(observer) => observer.opening(directory.id(), name),
            None => Ok(false),
        }
    }
}
