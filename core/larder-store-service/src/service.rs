//! What is served: mounts and a clock, to any number of sessions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use larder_core::{Result, Timestamp, View};

use crate::session::Session;

/// Where the times of changes come from. It is the service's: those who share
/// a volume share its clock.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Tells apart the sessions of a process, so that a caller which mistakes one
/// for another is refused.
static SESSIONS: AtomicU64 = AtomicU64::new(1);

/// Mounts, served to sessions.
pub struct Service {
    mounts: Vec<(String, View)>,
    clock: Clock,
}

impl Service {
    /// Nothing but a clock.
    #[must_use]
    pub const fn new(clock: Clock) -> Self {
        Self { mounts: Vec::new(), clock }
    }

    /// Mounts a view at a guest path such as `/` or `/data`, behind those that
    /// are there. Each mount is a device of its own.
    ///
    /// # Errors
    /// `quota` where the volume has no handle left for it.
    pub fn mount(mut self, view: &View, guest_path: &str) -> Result<Self> {
        self.mounts.push((guest_path.to_owned(), view.mounted_at(guest_path)?));
        Ok(self)
    }

    /// A session of its own for one caller. Dropping it lets go of what it
    /// holds.
    #[must_use]
    pub fn session(self: &Arc<Self>) -> Session {
        Session::new(Arc::clone(self), SESSIONS.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn mounts(&self) -> &[(String, View)] {
        &self.mounts
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }
}
