//! What an opened journal holds.

use std::fmt;
use std::path::PathBuf;

use crate::{Record, Result};

/// A group that was about to be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Its last record.
    pub up_to: u64,
    /// The caller's description.
    pub group: Vec<u8>,
}

/// What the end of a journal had behind its last whole record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The file.
    pub file: PathBuf,
    /// Where it ends now.
    pub offset: u64,
    /// How many bytes were taken off.
    pub bytes: u64,
}

/// What an opened journal holds.
#[derive(Debug)]
pub struct Recovered {
    /// Which journal it is: a number that was drawn when it was made.
    pub id: u64,
    /// The backend has all records up to this one; 0 before the first.
    pub stored: u64,
    /// The last group that was begun, unless it is stored.
    pub begun: Option<Begun>,
    /// The records behind `stored`, in order.
    pub records: Records,
    /// The last number that was used, also by records that are gone; 0 before
    /// the first. [`note`](crate::JournalStore::note) takes those above it.
    pub last: u64,
    /// What a crash in mid write left, which was cut off. Where the machine
    /// crashed, it may have held records that were acknowledged and not synced.
    /// Files only: a stream keeps it until what is before it is stored.
    pub cut: Option<Cut>,
}

/// Reads records one after the other. Holds one at a time; does not see what
/// was noted since the journal was opened, and fails where
/// [`stored`](crate::JournalStore::stored) took away what it has not read.
pub struct Records(Box<dyn Iterator<Item = Result<Record>> + Send>);

impl Records {
    pub(crate) fn new(records: impl Iterator<Item = Result<Record>> + Send + 'static) -> Self {
        Self(Box::new(records.fuse()))
    }
}

impl Iterator for Records {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Records")
    }
}
