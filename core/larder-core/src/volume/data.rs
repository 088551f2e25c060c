//! Content: reading, writing, appending, truncating. Charges come first: a
//! write that does not fit changes nothing.

use std::sync::Arc;

use bytes::Bytes;

use super::Volume;
use crate::content::{Absent, Chunks, Source};
use crate::error::During;
use crate::inode::{Inode, State};
use crate::{CHUNK_BYTES, Change, Context, Error, ErrorCode, NodeId, Proposal, Result, Settling};

/// The most bytes that one read shares: bounds the list of pieces for a guest
/// that asks for the whole of a sparse file. A longer read is short.
pub(crate) const MOST_READ_BYTES: usize = 16 << 20;

/// Bytes that one read waits for to be loaded, about; a longer one is short.
/// Guards against a read that needs more than the backend keeps in memory. It
/// is halved where chunks are dropped faster than others come.
const MOST_LOADED_BYTES: usize = MOST_READ_BYTES;

/// Why an attempt under the lock did not finish.
enum Stop {
    /// Load this chunk without the lock, then try again.
    Load(Absent),
    Fail(ErrorCode),
}

impl From<Absent> for Stop {
    fn from(absent: Absent) -> Self {
        Self::Load(absent)
    }
}

impl From<ErrorCode> for Stop {
    fn from(code: ErrorCode) -> Self {
        Self::Fail(code)
    }
}

impl Volume {
    /// Runs `attempt` until it needs no chunk that is absent. `attempt` locks
    /// the inode by itself; loading happens between two attempts.
    fn with_loaded<T>(
        &self,
        node: &Arc<Inode>,
        operation: &'static str,
        mut attempt: impl FnMut() -> Result<T, Stop>,
    ) -> Result<T> {
        loop {
            match attempt() {
                Ok(value) => return Ok(value),
                Err(Stop::Fail(code)) => return Err(Error::new(code, operation)),
                Err(Stop::Load(absent)) => self.load(node, &absent)?,
            }
        }
    }

    /// Runs `attempt` for `length` bytes from `offset`, until it needs no chunk
    /// that is absent. A read that would need more in memory than the backend
    /// keeps is a short one: it could go on for ever.
    fn reading<T>(
        &self,
        node: &Arc<Inode>,
        offset: u64,
        mut length: usize,
        mut attempt: impl FnMut(usize) -> Result<T, Stop>,
    ) -> Result<T> {
        let mut most = MOST_LOADED_BYTES;
        let mut last: Option<u64> = None;
        loop {
            let mut absent = match attempt(length) {
                Ok(value) => return Ok(value),
                Err(Stop::Fail(code)) => return Err(Error::new(code, "read")),
                Err(Stop::Load(absent)) => absent,
            };
            // All of them first: what an attempt copies before it finds one is
            // copied again.
            loop {
                if last.is_some_and(|last| absent.index <= last) {
                    most = (most / 2).max(1);
                }
                last = Some(absent.index);
                let before = (absent.index * CHUNK_BYTES as u64).saturating_sub(offset);
                match usize::try_from(before) {
                    Ok(before) if before < most => {}
                    before => {
                        length = before.unwrap_or(length);
                        break;
                    }
                }
                self.load(node, &absent)?;
                let next = node.read().file().during("read")?.first_absent(offset, length);
                let Some(next) = next else { break };
                absent = next;
            }
        }
    }

    /// Shares up to `length` bytes from `offset`; fewer at the end of file.
    pub(crate) fn read(&self, node: &Arc<Inode>, offset: u64, length: usize) -> Result<Chunks> {
        let length = length.min(MOST_READ_BYTES);
        self.reading(node, offset, length, |length| Ok(node.read().file()?.read(offset, length)?))
    }

    /// Copies bytes from `offset` into `buffer`; returns how many there were.
    pub(crate) fn read_into(&self, node: &Arc<Inode>, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let all = buffer.len();
        self.reading(node, offset, all, |length| {
            let buffer = buffer.get_mut(..length).unwrap_or_default();
            Ok(node.read().file()?.read_into(offset, buffer)?)
        })
    }

    /// Hands out up to `length` bytes from `offset` in pieces; returns how many
    /// there were. The visitor runs with the inode's lock held.
    pub(crate) fn visit(
        &self,
        node: &Arc<Inode>,
        offset: u64,
        length: usize,
        visitor: &mut dyn FnMut(&[u8]),
    ) -> Result<usize> {
        self.reading(node, offset, length, |length| Ok(node.read().file()?.visit(offset, length, visitor)?))
    }

    /// Writes all of `data` at `offset`, or nothing.
    pub(crate) fn write(&self, context: &Context, node: &Arc<Inode>, offset: u64, data: &dyn Source) -> Result<()> {
        self.admit_content(node, offset, data.len())?;
        self.with_loaded(node, "write", || {
            let _shared = self.gate.read();
            self.write_locked(node, &mut node.write(), context, offset, data)
        })?;
        self.settle(Settling::Stream(node.id()))
    }

    /// Writes all of `data` at the end, or nothing; returns where it begins.
    /// Between other appends it is atomic.
    pub(crate) fn append(&self, context: &Context, node: &Arc<Inode>, data: &dyn Source) -> Result<u64> {
        self.admit_content(node, 0, data.len())?;
        let offset = self.with_loaded(node, "append", || {
            let _shared = self.gate.read();
            let mut state = node.write();
            let offset = state.file()?.len();
            self.write_locked(node, &mut state, context, offset, data)?;
            Ok(offset)
        })?;
        self.settle(Settling::Stream(node.id()))?;
        Ok(offset)
    }

    fn admit_content(&self, node: &Inode, offset: u64, length: usize) -> Result<()> {
        let (end, bytes) = (offset.saturating_add(length as u64), length as u64);
        self.admit(|| Proposal::Content { node: node.id(), end, bytes })
    }

    fn write_locked(
        &self,
        node: &Inode,
        state: &mut State,
        context: &Context,
        offset: u64,
        data: &dyn Source,
    ) -> Result<(), Stop> {
        let content = state.file()?;
        // POSIX: a write of no bytes does nothing to a regular file.
        if data.len() == 0 {
            return Ok(());
        }
        if offset.checked_add(data.len() as u64).is_none_or(|end| end > self.limits.file_bytes) {
            return Err(ErrorCode::FileTooLarge.into());
        }
        let cost = content.write_cost(offset, data.len());
        self.ledger.charge_bytes(&self.limits, cost)?;
        if let Err(absent) = state.file_mut()?.write(offset, data) {
            self.ledger.refund_bytes(cost);
            return Err(absent.into());
        }
        state.allocated += cost;
        state.touch_content(context.now);
        self.record(context, || Change::Write { node: node.id(), offset, data });
        Ok(())
    }

    /// Sets the length; growing makes a hole, which costs nothing.
    pub(crate) fn set_size(&self, context: &Context, node: &Arc<Inode>, size: u64) -> Result<()> {
        self.admit_content(node, size, 0)?;
        self.with_loaded(node, "set-size", || {
            let _shared = self.gate.read();
            let mut state = node.write();
            let content = state.file_mut()?;
            if size > self.limits.file_bytes {
                return Err(ErrorCode::FileTooLarge.into());
            }
            let refund = content.set_len(size)?;
            state.allocated -= refund;
            self.ledger.refund_bytes(refund);
            state.touch_content(context.now);
            self.record(context, || Change::SetSize { node: node.id(), size });
            Ok(())
        })?;
        self.settle(Settling::Stream(node.id()))
    }

    /// What a file holds: its extents, ascending, offset and bytes, which are
    /// shared with the store. Between them are holes. Each begins at a multiple
    /// of [`PAGE_BYTES`](crate::PAGE_BYTES), and no two lie in one chunk.
    ///
    /// # Errors
    /// `no-entry` for an unknown node, `is-directory` or `invalid` for one
    /// that is no file; those of the content source.
    pub fn extents(&self, node: NodeId) -> Result<Vec<(u64, Bytes)>> {
        let inode = self.node(node, "extents")?;
        self.with_loaded(&inode, "extents", || Ok(inode.read().file()?.extents().collect::<Result<_, _>>()?))
    }

    /// Reads for a caller that wants one contiguous piece.
    pub(crate) fn read_bytes(&self, node: &Arc<Inode>, offset: u64, length: usize) -> Result<Bytes> {
        self.read(node, offset, length).map(Chunks::into_bytes)
    }
}
