//! The advisory locks that a guest has.

use std::collections::BTreeMap;

use larder_core::{Descriptor, Error, ErrorCode, LockOwner, Result, Timestamp};

/// A guest's locks, by their numbers. Dropping it ends them: the volume does
/// not know when a guest ends. The volume bounds how many there are.
#[derive(Debug)]
pub(crate) struct HeldLocks {
    owner: LockOwner,
    /// The descriptor keeps the file.
    locks: BTreeMap<u64, Descriptor>,
    last: u64,
}

impl Default for HeldLocks {
    fn default() -> Self {
        Self { owner: LockOwner::new(), locks: BTreeMap::new(), last: 0 }
    }
}

impl HeldLocks {
    /// Locks an open file. Answers the number of the lock, which is the same
    /// for one that the guest has, and the token.
    pub(crate) fn lock(&mut self, now: Timestamp, file: Descriptor, is_shared: bool) -> Result<(u64, u64)> {
        let token = file.try_lock(now, self.owner, is_shared)?;
        if let Some((id, _)) = self.locks.iter().find(|(_, other)| other.is_same_object(&file)) {
            return Ok((*id, token));
        }
        self.last += 1;
        self.locks.insert(self.last, file);
        Ok((self.last, token))
    }

    pub(crate) fn unlock(&mut self, id: u64) -> Result<()> {
        let file = self.locks.remove(&id).ok_or_else(|| Error::new(ErrorCode::NoLock, "unlock"))?;
        file.unlock(self.owner);
        Ok(())
    }
}

impl Drop for HeldLocks {
    fn drop(&mut self) {
        for file in self.locks.values() {
            file.unlock(self.owner);
        }
    }
}
