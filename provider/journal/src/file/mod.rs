//! The journal in a directory of this machine.
//!
//! | File | What |
//! | --- | --- |
//! | `00000001.journal` and so on | segments, see `segment`: the last one grows |
//! | `….journal.new` | a segment that is being made |
//! | `lock` | locked while the journal is open; never removed |
//!
//! Acknowledged is what `write` took, synced what `fsync` took. A segment is
//! synced before the next is made: only the last one can end in mid record.
//! Segments are removed from the oldest on, once a marker that says that all
//! they hold is stored is itself synced.

mod records;
mod scan;
mod segment;
mod sink;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::Path;

use larder_core::Timestamp;

use crate::group::Group;
use crate::{Base, Bounds, Error, JournalStore, Note, Recovered, Result};

use self::sink::FileSink;

/// From so many bytes on a segment is followed by another, by default.
const SEGMENT_BYTES: u64 = 64 << 20;

/// How a [`FileJournal`] is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileOptions {
    /// Which volume's journal it is, such as `s3://endpoint/bucket/prefix`.
    pub identity: String,
    /// What it may hold.
    pub bounds: Bounds,
    /// Bytes of a segment; a write may go beyond. What is stored is freed by
    /// segments, so that it is a quarter of the capacity at most.
    pub segment: u64,
}

impl FileOptions {
    /// The default for a volume.
    #[must_use]
    pub fn new(identity: impl Into<String>) -> Self {
        Self { identity: identity.into(), bounds: Bounds::default(), segment: SEGMENT_BYTES }
    }
}

/// A journal in a directory, for this opener alone.
#[derive(Debug)]
pub struct FileJournal {
    group: Group<FileSink>,
    // Held for its lock.
    _lock: File,
}

impl FileJournal {
    /// Opens the journal in `directory`, which is made where it does not
    /// exist, and checks all that it holds.
    ///
    /// # Errors
    /// `Locked`, `Identity`, `Version`, `Damaged`, `Io`.
    pub fn open(directory: &Path, options: FileOptions) -> Result<(Self, Recovered)> {
        let FileOptions { identity, bounds, segment } = options;
        fs::create_dir_all(directory).map_err(|error| Error::io("create", directory.display(), error))?;
        let lock = lock(directory)?;
        let scanned = scan::scan(directory, &identity)?;
        let segment = segment.min(bounds.capacity / 4);
        let (sink, id) = FileSink::new(directory, identity, segment, &scanned)?;
        let group = Group::new(sink, bounds, scanned.last, scanned.stored);
        Ok((Self { group, _lock: lock }, scanned.recovered(id)))
    }
}

fn lock(directory: &Path) -> Result<File> {
    let path = directory.join("lock");
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|error| Error::io("open", path.display(), error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked { place: directory.display().to_string() }),
        Err(TryLockError::Error(error)) => Err(Error::io("lock", path.display(), error)),
    }
}

impl JournalStore for FileJournal {
    fn admit(&self, bytes: u64) -> Result<()> {
        self.group.admit(bytes)
    }

    fn note(&self, seq: u64, time: Timestamp, bases: &[Base], note: Note<'_>) -> Result<()> {
        self.group.note(seq, time, bases, note)
    }

    fn acknowledge(&self, seq: u64) -> Result<()> {
        self.group.acknowledge(seq)
    }

    fn sync(&self) -> Result<()> {
        self.group.sync()
    }

    fn begin(&self, up_to: u64, group: &[u8]) -> Result<()> {
        self.group.begin(up_to, group)
    }

    fn stored(&self, up_to: u64) -> Result<()> {
        self.group.stored(up_to)
    }

    fn size(&self) -> u64 {
        self.group.size()
    }
}
