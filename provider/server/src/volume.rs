//! A volume that is served, and what its two subjects allow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use anyhow::{Context, Result};
use larder_core::{Rights, View, Volume};
use larder_protocol::Access;

use crate::feed::Feed;

/// A volume to serve.
#[derive(Clone, Debug)]
pub struct ServedVolume {
    /// The name in its subjects: 1 to 64 of `A-Z a-z 0-9 _ -`.
    pub name: String,
    /// What is served.
    pub volume: Arc<Volume>,
    /// Whether sessions may change it; otherwise beginning one on the `write`
    /// subject is refused with `read-only`.
    pub writable: bool,
}

/// A volume while it is served.
pub(crate) struct Served {
    pub(crate) name: String,
    pub(crate) volume: Arc<Volume>,
    read: View,
    write: Option<View>,
    sessions: AtomicUsize,
    changes: AtomicU64,
    pub(crate) feed: Feed,
}

impl Served {
    /// # Errors
    /// When the volume has no handle left for the two views.
    pub(crate) fn new(volume: ServedVolume) -> Result<Self> {
        let ServedVolume { name, volume, writable } = volume;
        let view = |rights| View::new(&volume, rights).with_context(|| format!("cannot serve the volume `{name}`"));
        let read = view(Rights::READ_ONLY)?;
        let write = writable.then(|| view(Rights::READ_WRITE)).transpose()?;
        Ok(Self {
            name,
            volume,
            read,
            write,
            sessions: AtomicUsize::new(0),
            changes: AtomicU64::new(0),
            feed: Feed::default(),
        })
    }

    /// What a session sees that begins with this access; none where the volume
    /// is not served so.
    pub(crate) const fn view(&self, access: Access) -> Option<&View> {
        match access {
            Access::Read => Some(&self.read),
            Access::Write => self.write.as_ref(),
        }
    }

    pub(crate) fn sessions(&self) -> usize {
        self.sessions.load(Ordering::Relaxed)
    }

    /// Requests that were carried out and may have changed the volume.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    pub(crate) fn count_change(&self) {
        self.changes.fetch_add(1, Ordering::Release);
    }
}

/// The place of one session among those that a volume may have; given back
/// when dropped.
pub(crate) struct Slot(Arc<Served>);

impl Slot {
    /// None where there are `most` already.
    pub(crate) fn take(served: &Arc<Served>, most: usize) -> Option<Self> {
        let more = |count| (count < most).then_some(count + 1);
        served.sessions.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Self(Arc::clone(served)))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.sessions.fetch_sub(1, Ordering::Relaxed);
    }
}
