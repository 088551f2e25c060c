//! Who writes: what a process that was killed sent last may come to the bucket
//! when another one has the volume already, and that one must know it.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The file in the state directory.
const FILE: &str = "session.json";

/// Locked while the volume is open: a process that comes later knows that the
/// ones before it are gone.
const LOCK: &str = "session.lock";

/// The processes that had a volume's state directory one after the other are
/// one writer. Without one, a journal is; without either, each is its own.
#[derive(Debug)]
pub(crate) struct Session {
    /// The writer, in the tokens of its objects.
    pub(crate) writer: u64,
    /// Which process of the writer this is, in the notes of its groups.
    pub(crate) number: u64,
    place: Option<PathBuf>,
    // Held for its lock.
    _lock: Option<File>,
}

/// What is kept: of the last process that found all notes finished.
#[derive(Serialize, Deserialize)]
struct Kept {
    writer: u64,
    number: u64,
}

impl Session {
    /// `state`: the volume's state directory; one that cannot be used is none.
    /// `journal`: the number of its journal.
    pub(crate) fn new(state: Option<&Path>, journal: Option<u64>) -> Self {
        let writer = journal.unwrap_or_else(|| fastrand::u64(..));
        let kept = state.map(|state| Self::in_directory(state, writer));
        match kept {
            Some(Ok(Some(session))) => return session,
            Some(Err(error)) => tracing::warn!(%error, ?state, "the state directory cannot be used"),
            Some(Ok(None)) | None => {}
        }
        Self { writer, number: 0, place: None, _lock: None }
    }

    /// `None` where another process has the volume, too: it is another client.
    fn in_directory(state: &Path, writer: u64) -> io::Result<Option<Self>> {
        std::fs::create_dir_all(state)?;
        let lock = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(state.join(LOCK))?;
        if lock.try_lock().is_err() {
            return Ok(None);
        }
        let place = state.join(FILE);
        let kept = std::fs::read(&place).ok().and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok());
        let (writer, number) = kept.map_or((writer, 1), |kept| (kept.writer, kept.number + 1));
        Ok(Some(Self { writer, number, place: Some(place), _lock: Some(lock) }))
    }

    /// Whether a note came after a later process of its writer had found all
    /// notes finished: it was on its way when its own process was killed, and
    /// nothing of its group was carried out, as that begins when the note is
    /// there.
    pub(crate) const fn is_late(&self, writer: u64, number: u64) -> bool {
        self.writer == writer && number != 0 && number + 1 < self.number
    }

    /// All notes that are there are finished. Where this cannot be kept, the next
    /// process takes this one's number, and fewer notes are late.
    pub(crate) fn begins(&self) {
        let Some(place) = &self.place else { return };
        let keep = || -> io::Result<()> {
            let new = place.with_extension("new");
            std::fs::write(&new, serde_json::to_vec(&Kept { writer: self.writer, number: self.number })?)?;
            File::open(&new)?.sync_all()?;
            std::fs::rename(new, place)
        };
        if let Err(error) = keep() {
            tracing::warn!(%error, place = %place.display(), "the session could not be kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_of_one_directory_are_one_writer() {
        let state = tempfile::tempdir().unwrap();
        let open = || Session::new(Some(state.path()), Some(7));
        let first = open();
        assert_eq!((first.writer, first.number), (7, 1));
        let beside = open();
        assert_eq!((beside.writer, beside.number), (7, 0));
        first.begins();
        drop(first);
        let second = Session::new(Some(state.path()), Some(8));
        assert_eq!((second.writer, second.number), (7, 2));
        // It did not find all notes finished: the next one has its number.
        drop(second);
        let second = open();
        assert_eq!(second.number, 2);
        second.begins();
        drop(second);
        let third = open();
        assert!(third.is_late(7, 1) && !third.is_late(7, 2) && !third.is_late(8, 1) && !third.is_late(7, 0));
    }
}
