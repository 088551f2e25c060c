//! What the engine answers to the volume.

use larder_core::{Change, Context, Error, NodeId, Observer, Proposal, Result, Settling};

use super::Engine;
use crate::options::ReadMode;

const OPERATION: &str = "s3";

impl Observer for Engine {
    fn admit(&self, proposal: Proposal<'_>) -> Result<()> {
        use larder_core::ErrorCode::{Io, ReadOnly};
        if self.shared.options.read_only {
            return Err(Error::new(ReadOnly, OPERATION));
        }
        if self.progress.halted().is_some() || self.has_ended() {
            return Err(Error::new(Io, OPERATION));
        }
        let mut bytes = 0;
        match proposal {
            Proposal::Name { directory, name } => self.check_name(directory, name)?,
            Proposal::Move { node, to, to_name } => self.check_move(node, to, to_name)?,
            Proposal::Content { bytes: written, .. } => bytes = written,
            Proposal::Other => {}
        }
        self.room(bytes)?;
        self.journal_admit(bytes)
    }

    fn record(&self, context: &Context, change: Change<'_>) {
        let mut state = self.shared.state.lock();
        let state = &mut *state;
        let before = self.journal_before(state, &change);
        state.changes.record(&mut state.mirror, &change, self.is_through());
        self.journal_note(state, context, &change, before);
        if matches!(change, Change::Write { .. }) {
            self.count_dirty(state.changes.bytes);
        }
    }

    fn settle(&self, settling: Settling) -> Result<()> {
        if self.is_replaying() {
            return Ok(());
        }
        if !self.is_through() {
            // A group that is due for its age or size is begun by the engine.
            let recorded = self.shared.state.lock().changes.recorded;
            self.nudge();
            return self.journal_acknowledge(recorded);
        }
        if let Settling::Stream(node) = settling {
            let mut state = self.shared.state.lock();
            match state.changes.nodes.get_mut(&node) {
                // Waits for its end.
                Some(dirty) if dirty.content => {
                    drop(state);
                    self.nudge();
                    return Ok(());
                }
                Some(dirty) => dirty.is_due = true,
                // It has no name.
                None => return Ok(()),
            }
        }
        self.flush(OPERATION)
    }

    fn closed(&self, node: NodeId) {
        if !self.is_through() || self.is_replaying() || !self.shared.state.lock().changes.make_due(node) {
            return;
        }
        // Who closes a file is told of nothing: `sync` is what tells.
        if let Err(error) = self.flush("close") {
            tracing::warn!(%error, "a file that was closed is not in the bucket yet");
        }
    }

    fn opening(&self, directory: NodeId, name: &str) -> Result<bool> {
        if self.shared.options.read == ReadMode::Cached || self.is_replaying() {
            return Ok(false);
        }
        self.restore.opening(directory, name)
    }

    fn may_adopt(&self, directory: NodeId, name: &str, named: Option<NodeId>) -> bool {
        !self.shared.state.lock().is_changed(&self.shared.keys, directory, name, named)
    }

    fn adopted(&self, directory: NodeId, name: &str, node: Option<NodeId>) {
        self.shared.state.lock().adopted(&self.shared.keys, directory, name, node);
    }
}

impl Engine {
    /// Whether a name can be a key.
    fn check_name(&self, directory: NodeId, name: &str) -> Result<()> {
        let path = self.shared.state.lock().mirror.path_of(directory, name);
        // A directory without a name takes none; the operation says so.
        let Some(path) = path else { return Ok(()) };
        let checked = self.shared.keys.marker_key(&path);
        checked.map(drop).map_err(|error| Error::new(error.fault.code(), OPERATION))
    }

    /// Whether all that moves can have its new key. Lists what is not: the
    /// bucket has to be told of each object.
    fn check_move(&self, node: NodeId, to: NodeId, to_name: &str) -> Result<()> {
        self.check_name(to, to_name)?;
        let is_directory = self.shared.state.lock().mirror.is_directory(node);
        if !is_directory {
            return Ok(());
        }
        self.restore.list_all_below(node)?;
        let state = self.shared.state.lock();
        let Some(path) = state.mirror.path_of(to, to_name) else { return Ok(()) };
        let longest = state.mirror.longest_below(node);
        let checked = self.shared.keys.longest_below(&path, if longest == 0 { 0 } else { longest + 1 });
        checked.map_err(|error| Error::new(error.fault.code(), OPERATION))
    }

    /// Waits while too much waits for the bucket.
    fn room(&self, bytes: u64) -> Result<()> {
        let options = &self.shared.options;
        let most = options.most_dirty();
        let has_room = |under_way: u64, has_ended: bool| {
            let state = self.shared.state.lock();
            // One change fits always, however large.
            let waiting = state.changes.bytes + under_way;
            let fits = waiting == 0 || waiting.saturating_add(bytes) <= most;
            // A group that ended took all, unless a stream makes room itself.
            (fits && state.changes.len() < options.pending_changes) || (has_ended && !state.ahead.is_going())
        };
        if bytes > 0 {
            self.loads.make_room_now();
        }
        if self.is_replaying() || has_room(self.progress.bytes(), false) {
            return Ok(());
        }
        let waited = self.progress.wait_for_room(options.patience, |under_way, has_ended| {
            let has_room = has_room(under_way, has_ended);
            if !has_room {
                self.nudge();
            }
            has_room
        });
        waited.map_err(|code| Error::new(code, OPERATION))
    }

    /// There may be something to do, or to send ahead.
    fn nudge(&self) {
        self.wake.notify_one();
        self.streamed.notify_one();
    }
}
