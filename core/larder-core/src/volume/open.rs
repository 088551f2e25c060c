//! Open descriptors: counted against the limit and in their inode, which an
//! unlinked inode needs to live until the last one is closed. Those that the
//! operation set opened have a number, and stand in the handle table.

use std::sync::Arc;

use super::Volume;
use crate::error::During;
use crate::inode::Inode;
use crate::sync::Ordering;
use crate::{Context, Error, ErrorCode, NodeId, Result};

/// One descriptor's hold on an inode; dropping it closes the descriptor.
#[derive(Debug)]
pub(crate) struct OpenNode {
    volume: Arc<Volume>,
    inode: Arc<Inode>,
}

impl OpenNode {
    pub(crate) const fn inode(&self) -> &Arc<Inode> {
        &self.inode
    }

    pub(crate) const fn volume(&self) -> &Arc<Volume> {
        &self.volume
    }
}

impl Drop for OpenNode {
    fn drop(&mut self) {
        self.volume.release(&self.inode);
    }
}

impl Volume {
    /// Opens an inode that the caller found; `no-entry` if it is gone by now.
    pub(crate) fn open(self: &Arc<Self>, inode: &Arc<Inode>) -> Result<OpenNode> {
        self.acquire(inode)?;
        Ok(OpenNode { volume: self.clone(), inode: inode.clone() })
    }

    /// Creates a file or directory and opens it, so that nobody can remove it
    /// in between.
    pub(crate) fn create_open(
        self: &Arc<Self>,
        context: &Context,
        parent: &Arc<Inode>,
        name: &str,
        new: super::NewNode<'_>,
        open: super::OpenFor,
    ) -> Result<OpenNode> {
        self.ledger.charge_handle(&self.limits).during("open")?;
        let (inode, _) = self.create(context, parent, name, new, open).inspect_err(|_| self.ledger.refund_handle())?;
        Ok(OpenNode { volume: self.clone(), inode })
    }

    /// Opens an inode under a number, for those who cannot hold an
    /// [`OpenNode`].
    pub(crate) fn open_handle(&self, inode: &Arc<Inode>) -> Result<u64> {
        self.acquire(inode)?;
        let handle = self.next_handle.fetch_add(1, Ordering::Relaxed);
        self.handles.insert(handle, inode.clone());
        Ok(handle)
    }

    pub(crate) fn close_handle(&self, handle: u64) -> Result<()> {
        let (_, inode) = self.handles.remove(&handle).ok_or_else(|| Error::new(ErrorCode::BadDescriptor, "close"))?;
        self.release(&inode);
        Ok(())
    }

    fn acquire(&self, inode: &Inode) -> Result<()> {
        self.ledger.charge_handle(&self.limits).during("open")?;
        if !inode.pin() {
            self.ledger.refund_handle();
            return Err(Error::new(ErrorCode::NoEntry, "open"));
        }
        Ok(())
    }

    fn release(&self, inode: &Inode) {
        self.ledger.refund_handle();
        self.unpin(inode);
    }

    pub(super) fn unpin(&self, inode: &Inode) {
        if inode.unpin() {
            // Only an unlinked inode needs the write lock.
            let unlinked = inode.read().link_count == 0;
            if unlinked {
                self.reclaim_if_unused(inode, &mut inode.write());
            }
        }
    }

    /// The inodes that are open now, once for each descriptor.
    #[must_use]
    pub fn open_nodes(&self) -> Vec<NodeId> {
        let open = |inode: &Arc<Inode>| std::iter::repeat_n(inode.id(), inode.opens());
        self.inodes.iter().flat_map(|entry| open(entry.value())).collect()
    }

    /// Sets the permission bits of a node (import and export keep them).
    ///
    /// # Errors
    /// `no-entry` for an unknown node.
    pub fn set_mode_of(&self, context: &Context, node: NodeId, mode: u32) -> Result<()> {
        let inode = self.node(node, "set-mode")?;
        self.set_mode(context, &inode, mode)
    }
}
