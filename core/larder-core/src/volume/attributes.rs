//! Attributes: times and permission bits.

use super::Volume;
use super::namespace::MODE_MASK;
use crate::error::During;
use crate::inode::Inode;
use crate::{Change, Context, Error, ErrorCode, Proposal, Result, SetTime, Settling, Timestamp};

/// An access time is renewed when it is this old even if nothing changed
/// since (Linux `relatime`).
const RELATIME_SECONDS: i64 = 24 * 60 * 60;

impl Volume {
    /// Sets the access and modification times; the change time becomes now.
    pub(crate) fn set_times(
        &self,
        context: &Context,
        node: &Inode,
        accessed: SetTime,
        modified: SetTime,
    ) -> Result<()> {
        for time in [accessed, modified] {
            if let SetTime::At(time) = time
                && !time.is_valid()
            {
                return Err(Error::new(ErrorCode::Invalid, "set-times"));
            }
        }
        self.admit(|| Proposal::Other)?;
        {
            let _shared = self.gate.read();
            let mut state = node.write();
            state.check_alive().during("set-times")?;
            state.set_times(context.now, accessed, modified);
            self.record(context, || Change::SetTimes { node: node.id(), accessed, modified });
        }
        self.settle(Settling::Stream(node.id()))
    }

    /// Sets the permission bits, which are kept and never enforced.
    pub(crate) fn set_mode(&self, context: &Context, node: &Inode, mode: u32) -> Result<()> {
        self.admit(|| Proposal::Other)?;
        {
            let _shared = self.gate.read();
            let mut state = node.write();
            state.check_alive().during("set-mode")?;
            state.mode = mode & MODE_MASK;
            state.touch(context.now);
            self.record(context, || Change::SetMode { node: node.id(), mode: state.mode });
        }
        self.settle(Settling::Stream(node.id()))
    }

    /// Notes a read: renews the access time where it is older than the last
    /// change or than a day, as `relatime` does. Not a change of the inode.
    pub(crate) fn touch_read(&self, node: &Inode, now: Timestamp) {
        {
            let state = node.read();
            let stale = state.accessed <= state.modified
                || state.accessed <= state.changed
                || now.seconds.saturating_sub(state.accessed.seconds) >= RELATIME_SECONDS;
            if !stale || state.accessed >= now {
                return;
            }
        }
        let _shared = self.gate.read();
        let mut state = node.write();
        state.accessed = state.accessed.max(now);
    }
}
