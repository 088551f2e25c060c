//! The one place where limits are charged and refunded.
//!
//! Invariant: `bytes` is the sum of `allocated` over the inodes in the table,
//! `inodes` their number, `handles` the sum of their open descriptors.

use crate::sync::{AtomicU64, Ordering};
use crate::{ErrorCode, Limits, TreeTotals, Usage};

#[derive(Debug)]
pub(crate) struct Ledger {
    bytes: AtomicU64,
    inodes: AtomicU64,
    handles: AtomicU64,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self { bytes: AtomicU64::new(0), inodes: AtomicU64::new(0), handles: AtomicU64::new(0) }
    }

    /// Charges a packed tree, whose totals were compared with the limits, in a
    /// new volume that is charged for the root.
    pub(crate) fn charge_packed(&self, totals: &TreeTotals) {
        self.bytes.store(totals.bytes, Ordering::Relaxed);
        self.inodes.store(totals.inodes, Ordering::Relaxed);
    }

    pub(crate) fn usage(&self) -> Usage {
        Usage {
            bytes: self.bytes.load(Ordering::Relaxed),
            inodes: self.inodes.load(Ordering::Relaxed),
            open_handles: self.handles.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn charge_bytes(&self, limits: &Limits, bytes: u64) -> Result<(), ErrorCode> {
        if bytes == 0 {
            return Ok(());
        }
        charge(&self.bytes, bytes, limits.bytes).ok_or(ErrorCode::InsufficientSpace)
    }

    pub(crate) fn refund_bytes(&self, bytes: u64) {
        if bytes != 0 {
            refund(&self.bytes, bytes);
        }
    }

    pub(crate) fn charge_inode(&self, limits: &Limits) -> Result<(), ErrorCode> {
        charge(&self.inodes, 1, limits.inodes).ok_or(ErrorCode::InsufficientSpace)
    }

    pub(crate) fn refund_inode(&self) {
        refund(&self.inodes, 1);
    }

    pub(crate) fn charge_handle(&self, limits: &Limits) -> Result<(), ErrorCode> {
        charge(&self.handles, 1, limits.open_handles).ok_or(ErrorCode::Quota)
    }

    pub(crate) fn refund_handle(&self) {
        refund(&self.handles, 1);
    }
}

/// Adds `amount` unless that exceeds `limit`. Never overshoots, not even for
/// a moment: a racing charge must not fail because of one that is undone.
fn charge(counter: &AtomicU64, amount: u64, limit: u64) -> Option<()> {
    counter
        .fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| {
            used.checked_add(amount).filter(|total| *total <= limit)
        })
        .ok()
        .map(drop)
}

fn refund(counter: &AtomicU64, amount: u64) {
    let before = counter.fetch_sub(amount, Ordering::AcqRel);
    debug_assert!(before >= amount, "refunded {amount} of {before}");
}
