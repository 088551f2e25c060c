//! Advisory locks on whole files and directories: who has which, and their
//! tokens.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

/// Most locks of one session: 1,024. Guards the memory of the server.
pub(crate) const MOST_LOCKS: usize = 1024;

/// An inode of the volume: number and generation.
pub(crate) type Inode = (u64, u64);

/// Why there is no lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotLocked {
    /// Another session's lock stands against it.
    Held,
    /// The session has [`MOST_LOCKS`].
    TooMany,
}

#[derive(Clone, Copy)]
struct Lock {
    session: u64,
    is_shared: bool,
    token: u64,
}

struct State {
    inodes: HashMap<Inode, Vec<Lock>>,
    /// Which inodes a session has locks on.
    sessions: HashMap<u64, Vec<Inode>>,
    last_token: u64,
}

/// The locks of one volume. They end with their session at the latest.
pub(crate) struct Locks(Mutex<State>);

impl Locks {
    /// Tokens begin with the time, so that those of a server that is started
    /// anew are larger than those of the one before, if the clock goes on.
    pub(crate) fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let last_token = u64::try_from(since.as_nanos()).unwrap_or_default();
        Self(Mutex::new(State { inodes: HashMap::new(), sessions: HashMap::new(), last_token }))
    }

    /// Locks, or changes a lock that the session has to the other kind.
    /// Answers the token: a larger one than of any lock before, or the same
    /// again for a lock that was there.
    pub(crate) fn lock(&self, inode: Inode, session: u64, is_shared: bool) -> Result<u64, NotLocked> {
        let mut state = self.0.lock();
        let State { inodes, sessions, last_token } = &mut *state;
        let locks = inodes.get(&inode).map_or(&[][..], Vec::as_slice);
        if locks.iter().any(|lock| lock.session != session && !(lock.is_shared && is_shared)) {
            return Err(NotLocked::Held);
        }
        let own = locks.iter().find(|lock| lock.session == session);
        if let Some(own) = own.filter(|own| own.is_shared == is_shared) {
            return Ok(own.token);
        }
        let held = sessions.entry(session).or_default();
        if own.is_none() {
            if held.len() >= MOST_LOCKS {
                return Err(NotLocked::TooMany);
            }
            held.push(inode);
        }
        *last_token += 1;
        let token = *last_token;
        let locks = inodes.entry(inode).or_default();
        locks.retain(|lock| lock.session != session);
        locks.push(Lock { session, is_shared, token });
        Ok(token)
    }

    /// Ends the session's lock, if it has one.
    pub(crate) fn unlock(&self, inode: Inode, session: u64) {
        let mut state = self.0.lock();
        state.release(inode, session);
        if let Some(held) = state.sessions.get_mut(&session) {
            held.retain(|other| *other != inode);
            if held.is_empty() {
                state.sessions.remove(&session);
            }
        }
    }

    /// Whether a session has any lock.
    pub(crate) fn has_any(&self, session: u64) -> bool {
        self.0.lock().sessions.contains_key(&session)
    }

    /// Ends all locks of a session.
    pub(crate) fn end(&self, session: u64) {
        let mut state = self.0.lock();
        for inode in state.sessions.remove(&session).unwrap_or_default() {
            state.release(inode, session);
        }
    }
}

impl State {
    fn release(&mut self, inode: Inode, session: u64) {
        let Some(locks) = self.inodes.get_mut(&inode) else { return };
        locks.retain(|lock| lock.session != session);
        if locks.is_empty() {
            self.inodes.remove(&inode);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: Inode = (5, 1);

    #[test]
    fn one_writes_or_many_read() {
        let locks = Locks::new();
        let first = locks.lock(FILE, 1, true).unwrap();
        let second = locks.lock(FILE, 2, true).unwrap();
        assert!(second > first);
        assert_eq!(locks.lock(FILE, 1, true), Ok(first), "the same again");
        assert_eq!(locks.lock(FILE, 3, false), Err(NotLocked::Held));
        assert_eq!(locks.lock(FILE, 1, false), Err(NotLocked::Held));
        locks.unlock(FILE, 2);
        let third = locks.lock(FILE, 1, false).unwrap();
        assert!(third > second, "a new lock has a new token");
        assert_eq!(locks.lock(FILE, 2, true), Err(NotLocked::Held));
        locks.end(1);
        assert!(locks.lock(FILE, 2, false).unwrap() > third);
    }

    #[test]
    fn nothing_is_left_of_what_ended() {
        let locks = Locks::new();
        for ino in 0..MOST_LOCKS as u64 {
            locks.lock((ino, 1), 1, false).unwrap();
        }
        assert_eq!(locks.lock(FILE, 1, false).ok(), locks.lock(FILE, 1, false).ok(), "it has that one");
        assert_eq!(locks.lock((1 << 40, 1), 1, false), Err(NotLocked::TooMany));
        locks.unlock((0, 1), 1);
        locks.lock((1 << 40, 1), 1, false).unwrap();
        locks.end(1);
        let state = locks.0.lock();
        assert!(state.inodes.is_empty() && state.sessions.is_empty());
    }
}
