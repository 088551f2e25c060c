//! The sessions of a server, by their numbers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use larder_protocol::Access;
use larder_store_service::Session;
use parking_lot::{Mutex, RwLock};

use crate::answer::Job;
use crate::queue::Queue;
use crate::volume::{Served, Slot};

/// One caller's session.
pub(crate) struct ServedSession {
    /// Unguessable: whoever knows it speaks for the session.
    pub(crate) id: u64,
    /// The number by which the session knows itself.
    pub(crate) inner_id: u64,
    pub(crate) served: Arc<Served>,
    pub(crate) access: Access,
    /// It may be ended when there is no room for another.
    pub(crate) is_brief: bool,
    pub(crate) since: Instant,
    pub(crate) queue: Queue<Job>,
    /// None once it ended. Only who works the queue off, or ends it, locks it.
    pub(crate) held: Mutex<Option<(Session, Slot)>>,
}

impl ServedSession {
    /// Refuses what comes or waits, and lets go of all that it holds.
    pub(crate) fn end(&self) {
        self.queue.end();
        drop(self.held.lock().take());
    }
}

/// All sessions. Whoever takes one out ends it, outside of the lock.
#[derive(Default)]
pub(crate) struct Sessions(RwLock<HashMap<u64, Arc<ServedSession>>>);

impl Sessions {
    pub(crate) fn len(&self) -> usize {
        self.0.read().len()
    }

    pub(crate) fn get(&self, id: u64) -> Option<Arc<ServedSession>> {
        self.0.read().get(&id).cloned()
    }

    /// False where the number is taken.
    #[must_use]
    pub(crate) fn insert(&self, session: Arc<ServedSession>) -> bool {
        let mut sessions = self.0.write();
        if sessions.contains_key(&session.id) {
            return false;
        }
        sessions.insert(session.id, session);
        true
    }

    pub(crate) fn remove(&self, id: u64) -> Option<Arc<ServedSession>> {
        self.0.write().remove(&id)
    }

    /// Takes out the sessions of which nothing was heard for `lease`, not
    /// counting the time before `since`.
    pub(crate) fn take_silent(&self, lease: Duration, since: Instant) -> Vec<Arc<ServedSession>> {
        let silent: Vec<u64> = {
            let sessions = self.0.read();
            sessions.values().filter(|session| session.queue.end_if_silent(lease, since)).map(|held| held.id).collect()
        };
        silent.into_iter().filter_map(|id| self.remove(id)).collect()
    }

    /// Takes out a brief session of the volume that is silent for so long and
    /// holds nothing but its root: there is no room for another.
    pub(crate) fn take_spare(&self, of: &Arc<Served>, silence: Duration) -> Option<Arc<ServedSession>> {
        let holds_little = |session: &ServedSession| {
            let held = session.held.try_lock();
            held.is_some_and(|held| held.as_ref().is_none_or(|(held, _)| held.holds_only_roots() && !held.has_locks()))
        };
        let is_spare = |session: &Arc<ServedSession>| {
            session.is_brief
                && Arc::ptr_eq(&session.served, of)
                && holds_little(session)
                && session.queue.end_if_silent(silence, session.since)
        };
        let id = self.0.read().values().find(|session| is_spare(session)).map(|session| session.id)?;
        self.remove(id)
    }

    pub(crate) fn take_all(&self) -> Vec<Arc<ServedSession>> {
        let all = std::mem::take(&mut *self.0.write());
        all.into_values().collect()
    }
}
