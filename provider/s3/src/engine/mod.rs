//! The engine of an open volume: follows its changes, and keeps it and its
//! bucket in step.
//!
//! What lives here: what the parts are asked for, and by whom. What does not:
//! how groups are made (`commit`), what comes in (`restore`), contents
//! (`loads`).

mod journal;
mod observer;
mod outcome;
mod progress;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use larder_core::{ChunkState, Error, ErrorCode, NodeId, Result, Volume};
use larder_journal::JournalStore;
use parking_lot::RwLock;
use tokio::sync::Notify;

pub(crate) use self::journal::Group;
pub(crate) use self::progress::Progress;
use crate::loads::Loads;
use crate::options::WriteMode;
use crate::place::{Place, Places};
use crate::restore::Restore;
use crate::shared::Shared;

/// What follows a volume.
pub(crate) struct Engine {
    pub(crate) shared: Arc<Shared>,
    pub(crate) loads: Arc<Loads>,
    pub(crate) restore: Arc<Restore>,
    pub(crate) progress: Progress,
    /// There may be something to do.
    pub(crate) wake: Notify,
    /// A stream went on.
    pub(crate) streamed: Notify,
    /// The engine has ended.
    pub(crate) ended: Notify,
    has_ended: AtomicBool,
    /// Bytes of the group under way.
    under_way: AtomicU64,
    /// `None` where there is none, and once the engine has ended.
    journal: RwLock<Option<Arc<dyn JournalStore>>>,
    /// Records are not noted: they come from the journal.
    replaying: AtomicBool,
}

impl Engine {
    pub(crate) fn new(
        shared: Arc<Shared>,
        loads: Arc<Loads>,
        restore: Arc<Restore>,
        journal: Option<Arc<dyn JournalStore>>,
    ) -> Self {
        Self {
            shared,
            loads,
            restore,
            progress: Progress::default(),
            wake: Notify::new(),
            streamed: Notify::new(),
            ended: Notify::new(),
            has_ended: AtomicBool::new(false),
            under_way: AtomicU64::new(0),
            journal: RwLock::new(journal),
            replaying: AtomicBool::new(false),
        }
    }

    fn is_through(&self) -> bool {
        self.shared.options.write == WriteMode::Through
    }

    /// Counts what was uploaded.
    pub(crate) fn uploaded(&self, bytes: u64) {
        self.shared.counters.uploaded_bytes.fetch_add(bytes, Relaxed);
    }

    /// Bytes that wait for the bucket: these, and those of the group under way.
    pub(crate) fn count_dirty(&self, waiting: u64) {
        self.loads.set_dirty(waiting + self.under_way.load(Relaxed));
    }

    /// Bytes of the group under way; 0 when it is done.
    pub(crate) fn set_under_way(&self, bytes: u64) {
        self.under_way.store(bytes, Relaxed);
        let waiting = self.shared.state.lock().changes.bytes;
        self.count_dirty(waiting);
    }

    /// Nothing is done any more.
    pub(crate) fn end(&self) {
        self.has_ended.store(true, Relaxed);
        self.restore.stop();
        self.progress.end_waiting();
        self.wake.notify_one();
        self.streamed.notify_one();
        self.ended.notify_one();
        // Others may open it.
        self.journal.write().take();
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended.load(Relaxed)
    }

    /// Returns when the bucket has what is due now. Blocks.
    fn flush(&self, operation: &'static str) -> Result<()> {
        let request = self.progress.request();
        self.wake.notify_one();
        self.progress.wait(request, self.shared.options.patience).map_err(|code| Error::new(code, operation))
    }

    /// Returns when the bucket has all changes. Blocks.
    ///
    /// # Errors
    /// What the bucket answers.
    pub(crate) fn sync(&self) -> Result<()> {
        let is_idle = {
            let mut state = self.shared.state.lock();
            state.changes.make_all_due();
            state.changes.is_idle()
        };
        // In this order: what is taken out of the changes is under way before.
        if is_idle && self.progress.is_idle() {
            return Ok(());
        }
        self.flush("sync")
    }
}

impl larder_core::Durability for Engine {
    fn sync(&self, _volume: &Arc<Volume>) -> Result<()> {
        Self::sync(self)
    }
}

impl Places for Engine {
    fn place(&self, node: NodeId) -> Option<Place> {
        self.shared.state.lock().catalogue.place(node).cloned()
    }

    fn complete(&self, node: NodeId, upload: &str) -> Result<()> {
        self.shared.state.lock().changes.make_due(node);
        self.flush("load")?;
        // Whoever asked looks again: guards him against doing so for ever. What
        // was parked since is in another upload.
        let Some(volume) = self.shared.volume.upgrade() else { return Err(Error::new(ErrorCode::Io, "load")) };
        let is_left = |(_, state): (u64, ChunkState)| matches!(state, ChunkState::Parked(parked) if *parked == *upload);
        if volume.chunk_states(node)?.into_iter().any(is_left) {
            tracing::error!(?node, upload, "a group ended without what an upload has of a file");
            return Err(Error::new(ErrorCode::Io, "load"));
        }
        Ok(())
    }
}
