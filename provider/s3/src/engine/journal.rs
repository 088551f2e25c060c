//! What the engine notes in the journal, and what it finds there.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use larder_core::{Change, Context, Error, Result};
use larder_journal::{Base, JournalStore, Note};
use serde::{Deserialize, Serialize};

use super::Engine;
use crate::commit::prepare::Ready;
use crate::commit::step::Do;
use crate::error::S3Error;
use crate::shared::State;

/// What the journal notes of a group that is about to be carried out: by what
/// one sees later whether it was.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Group {
    /// The note of a group with several steps.
    pub(crate) intent: Option<String>,
    /// An object that the group makes, or else one that it removes.
    pub(crate) key: String,
    /// The token of the object that it makes; empty for one that goes.
    pub(crate) token: String,
}

/// What there was before a change.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// The path of what it takes away.
    path: Option<String>,
    bases: Vec<Base>,
}

impl Engine {
    pub(super) fn is_replaying(&self) -> bool {
        self.replaying.load(Relaxed)
    }

    /// Whether records come from the journal, so that they are not noted, and
    /// nobody waits for them.
    pub(crate) fn set_replaying(&self, replaying: bool) {
        self.replaying.store(replaying, Relaxed);
    }

    /// The journal, where changes are acknowledged by it. Any other is there to
    /// be finished.
    fn noting(&self) -> Option<Arc<dyn JournalStore>> {
        if self.is_through() || self.is_replaying() {
            return None;
        }
        self.journal.read().clone()
    }

    pub(super) fn journal_admit(&self, bytes: u64) -> Result<()> {
        let Some(journal) = self.noting() else { return Ok(()) };
        if journal.admit(bytes).is_ok() {
            return Ok(());
        }
        // Once the bucket has what is noted, there is place again.
        self.sync()?;
        journal.admit(bytes).map_err(|error| {
            tracing::warn!(%error, "the journal takes no more changes");
            Error::new(error.code(), "s3")
        })
    }

    /// What a note has to say that a change takes away.
    pub(super) fn journal_before(&self, state: &State, change: &Change<'_>) -> Before {
        if self.noting().is_none() {
            return Before::default();
        }
        let mirror = &state.mirror;
        let path = match *change {
            Change::Remove { directory, name, .. } => mirror.path_of(directory, name),
            Change::Rename { from, from_name, .. } => mirror.path_of(from, from_name),
            Change::Link { node, .. } => mirror.path(node),
            _ => None,
        };
        Before { path, bases: self.bases(state, change) }
    }

    /// What the bucket has of the files that a change replaces, takes away, or
    /// is the first since the last group to change.
    fn bases(&self, state: &State, change: &Change<'_>) -> Vec<Base> {
        let mirror = &state.mirror;
        let paths = match *change {
            Change::Create { .. } | Change::Link { .. } => [None, None],
            // What is below moves with it, whoever changed it.
            Change::Remove { node, .. } | Change::Rename { node, .. } if mirror.is_directory(node) => [None, None],
            Change::Remove { directory, name, .. } => [mirror.path_of(directory, name), None],
            Change::Rename { from, from_name, to, to_name, .. } => {
                [mirror.path_of(from, from_name), mirror.path_of(to, to_name)]
            }
            Change::Write { node, .. }
            | Change::SetSize { node, .. }
            | Change::SetTimes { node, .. }
            | Change::SetMode { node, .. } => {
                let is_first = !state.changes.nodes.contains_key(&node) && !mirror.is_directory(node);
                [is_first.then(|| mirror.path(node)).flatten(), None]
            }
        };
        let base = |path: String| {
            let known = self.shared.keys.file_key(&path).ok().and_then(|key| state.catalogue.key(&key));
            let size = known.and_then(|known| state.catalogue.place(known.node)).map_or(0, |place| place.size);
            Base { path, version: known.map(|known| known.etag.to_string()), size }
        };
        paths.into_iter().flatten().map(base).collect()
    }

    /// Notes a change that was just recorded. What has no name is gone after a
    /// crash, and is not noted.
    pub(super) fn journal_note(&self, state: &State, context: &Context, change: &Change<'_>, before: Before) {
        let Some(journal) = self.noting() else { return };
        let mirror = &state.mirror;
        let Before { path: before, bases } = before;
        let path = match *change {
            Change::Create { directory, name, .. } | Change::Link { directory, name, .. } => {
                mirror.path_of(directory, name)
            }
            Change::Rename { to, to_name, .. } => mirror.path_of(to, to_name),
            Change::Remove { .. } => before.clone(),
            Change::Write { node, .. }
            | Change::SetSize { node, .. }
            | Change::SetTimes { node, .. }
            | Change::SetMode { node, .. } => mirror.path(node),
        };
        let Some(path) = path.as_deref() else { return };
        let before = before.as_deref().unwrap_or_default();
        let note = match *change {
            Change::Create { made, .. } => Note::Create { path, made },
            Change::Link { .. } => Note::Link { from: before, to: path },
            Change::Remove { .. } => Note::Remove { path },
            Change::Rename { .. } => Note::Rename { from: before, to: path },
            Change::Write { offset, data, .. } => Note::Write { path, offset, data },
            Change::SetSize { size, .. } => Note::SetSize { path, size },
            Change::SetTimes { accessed, modified, .. } => Note::SetTimes { path, accessed, modified },
            Change::SetMode { mode, .. } => Note::SetMode { path, mode },
        };
        if let Err(error) = journal.note(state.changes.recorded, context.now, &bases, note) {
            // Whoever waits for it is told by `acknowledge`.
            tracing::warn!(%error, "the journal does not take a change");
        }
    }

    pub(super) fn journal_acknowledge(&self, recorded: u64) -> Result<()> {
        let Some(journal) = self.noting() else { return Ok(()) };
        journal.acknowledge(recorded).map_err(|error| {
            tracing::warn!(%error, "the journal cannot be written");
            Error::new(error.code(), "s3")
        })
    }

    /// A group is about to be carried out.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub(crate) async fn journal_begin(&self, up_to: u64, intent: Option<&str>, steps: &[Ready]) -> Result<(), S3Error> {
        let Some(journal) = self.journal.read().clone() else { return Ok(()) };
        // Servers keep no token with a marker: any other object says more.
        let is_made = |ready: &&Ready| !matches!(ready.step.what, Do::Delete);
        let is_object = |ready: &&Ready| !ready.step.key.ends_with('/');
        let made = steps.iter().find(|ready| is_made(ready) && is_object(ready));
        let object = made.or_else(|| steps.iter().find(is_object));
        let Some(ready) = object.or_else(|| steps.iter().find(is_made)).or(steps.first()) else { return Ok(()) };
        let (key, token) = (ready.step.key.clone(), ready.step.token.clone());
        let group = Group { intent: intent.map(str::to_owned), key, token };
        let group = serde_json::to_vec(&group).map_err(|error| failed(&error))?;
        blocking(move || journal.begin(up_to, &group)).await
    }

    /// The bucket has a group.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub(crate) async fn journal_stored(&self, up_to: u64) -> Result<(), S3Error> {
        let Some(journal) = self.journal.read().clone() else { return Ok(()) };
        blocking(move || journal.stored(up_to)).await
    }

    /// Bytes in the journal.
    pub(crate) fn journal_bytes(&self) -> u64 {
        self.journal.read().as_ref().map_or(0, |journal| journal.size())
    }
}

async fn blocking(write: impl FnOnce() -> larder_journal::Result<()> + Send + 'static) -> Result<(), S3Error> {
    let written = tokio::task::spawn_blocking(write).await.map_err(|error| failed(&error))?;
    written.map_err(|error| S3Error::new(error.code(), format!("the journal: {error}")))
}

fn failed(error: &dyn std::fmt::Display) -> S3Error {
    S3Error::new(larder_core::ErrorCode::Io, format!("the journal: {error}"))
}
