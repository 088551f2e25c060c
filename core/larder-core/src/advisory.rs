//! Advisory locks on whole files and directories: who has which, and their
//! fencing tokens. They keep nobody from reading or writing who does not ask
//! for a lock.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::sync::Mutex;
use crate::{ErrorCode, NodeId, Timestamp};

/// Most locks that one owner has on a volume: 1,024. Guards memory.
pub const MOST_LOCKS: usize = 1024;

/// Somebody who locks: a guest, or a session. Two locks of one owner never
/// stand against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LockOwner(u64);

impl LockOwner {
    /// Nobody else in this process.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "each is another one")]
    pub fn new() -> Self {
        static OWNERS: AtomicU64 = AtomicU64::new(1);
        Self(OWNERS.fetch_add(1, Ordering::Relaxed))
    }
}

#[derive(Clone, Copy)]
struct Lock {
    owner: LockOwner,
    is_shared: bool,
    token: u64,
}

#[derive(Default)]
struct State {
    inodes: HashMap<NodeId, Vec<Lock>>,
    /// Which inodes an owner has locks on.
    owners: HashMap<LockOwner, Vec<NodeId>>,
    last_token: u64,
}

/// The locks of one volume. They end with their owner at the latest, who says
/// so.
pub(crate) struct Locks(Mutex<State>);

impl Locks {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State::default()))
    }

    /// Locks, or changes a lock that the owner has to the other kind. Answers
    /// the token: a larger one than of any lock before, or the same again for
    /// a lock that was there. Tokens are not below the time, in nanoseconds:
    /// those of the volume's next life are larger, if the clock goes on.
    pub(crate) fn lock(
        &self,
        now: Timestamp,
        inode: NodeId,
        owner: LockOwner,
        is_shared: bool,
    ) -> Result<u64, ErrorCode> {
        let mut state = self.0.lock();
        let State { inodes, owners, last_token } = &mut *state;
        let locks = inodes.get(&inode).map_or(&[][..], Vec::as_slice);
        if locks.iter().any(|lock| lock.owner != owner && !(lock.is_shared && is_shared)) {
            return Err(ErrorCode::WouldBlock);
        }
        let own = locks.iter().find(|lock| lock.owner == owner);
        if let Some(own) = own.filter(|own| own.is_shared == is_shared) {
            return Ok(own.token);
        }
        let is_new = own.is_none();
        if is_new && owners.get(&owner).is_some_and(|held| held.len() >= MOST_LOCKS) {
            return Err(ErrorCode::Quota);
        }
        if is_new {
            owners.entry(owner).or_default().push(inode);
        }
        let seconds = u64::try_from(now.seconds).unwrap_or(0);
        let time = seconds.saturating_mul(Timestamp::NANOSECONDS.into()).saturating_add(now.nanoseconds.into());
        *last_token = time.max(*last_token).saturating_add(1);
        let token = *last_token;
        let locks = inodes.entry(inode).or_default();
        locks.retain(|lock| lock.owner != owner);
        locks.push(Lock { owner, is_shared, token });
        Ok(token)
    }

    /// Ends the owner's lock, if it has one.
    pub(crate) fn unlock(&self, inode: NodeId, owner: LockOwner) {
        let mut state = self.0.lock();
        state.release(inode, owner);
        if let Some(held) = state.owners.get_mut(&owner) {
            held.retain(|other| *other != inode);
            if held.is_empty() {
                state.owners.remove(&owner);
            }
        }
    }

    pub(crate) fn has_any(&self, owner: LockOwner) -> bool {
        self.0.lock().owners.contains_key(&owner)
    }

    pub(crate) fn end(&self, owner: LockOwner) {
        let mut state = self.0.lock();
        for inode in state.owners.remove(&owner).unwrap_or_default() {
            state.release(inode, owner);
        }
    }
}

impl State {
    fn release(&mut self, inode: NodeId, owner: LockOwner) {
        let Some(locks) = self.inodes.get_mut(&inode) else { return };
        locks.retain(|lock| lock.owner != owner);
        if locks.is_empty() {
            self.inodes.remove(&inode);
        }
    }
}

#[cfg(test)]
#[cfg(not(feature = "shuttle"))]
mod tests {
    use super::*;

    const FILE: NodeId = NodeId { ino: 5, generation: 1 };
    const NOW: Timestamp = Timestamp::from_seconds(7);

    #[test]
    fn one_writes_or_many_read() {
        let locks = Locks::new();
        let [one, two, three] = std::array::from_fn(|_| LockOwner::new());
        let first = locks.lock(NOW, FILE, one, true).unwrap();
        assert!(first > 7_000_000_000, "not below the time");
        let second = locks.lock(Timestamp::UNIX_EPOCH, FILE, two, true).unwrap();
        assert!(second > first, "also when the clock goes back");
        assert_eq!(locks.lock(NOW, FILE, one, true), Ok(first), "the same again");
        assert_eq!(locks.lock(NOW, FILE, three, false), Err(ErrorCode::WouldBlock));
        assert_eq!(locks.lock(NOW, FILE, one, false), Err(ErrorCode::WouldBlock));
        locks.unlock(FILE, two);
        let third = locks.lock(NOW, FILE, one, false).unwrap();
        assert!(third > second, "a new lock has a new token");
        assert_eq!(locks.lock(NOW, FILE, two, true), Err(ErrorCode::WouldBlock));
        locks.end(one);
        assert!(locks.lock(NOW, FILE, two, false).unwrap() > third);
    }

    #[test]
    fn nothing_is_left_of_what_ended() {
        let locks = Locks::new();
        let owner = LockOwner::new();
        let inode = |ino| NodeId { ino, generation: 1 };
        for ino in 0..MOST_LOCKS as u64 {
            locks.lock(NOW, inode(ino), owner, false).unwrap();
        }
        assert_eq!(locks.lock(NOW, FILE, owner, false), locks.lock(NOW, FILE, owner, false), "it has that one");
        assert_eq!(locks.lock(NOW, inode(1 << 40), owner, false), Err(ErrorCode::Quota));
        locks.unlock(inode(0), owner);
        locks.lock(NOW, inode(1 << 40), owner, false).unwrap();
        locks.end(owner);
        let state = locks.0.lock();
        assert!(state.inodes.is_empty() && state.owners.is_empty());
    }
}
