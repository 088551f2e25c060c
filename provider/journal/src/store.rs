//! The interface of every form of the journal.

use larder_core::Timestamp;

use crate::{Base, Note, Result};

/// What a journal may hold at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes that are kept, or wait to be written, markers aside. Guards the
    /// disk, or the server's. [`admit`](JournalStore::admit) refuses from
    /// seven eighths on: what was admitted at the same moment has to fit.
    pub capacity: u64,
    /// Bytes that wait to be written; one record may go beyond. Guards the
    /// memory. From the half on `admit` writes.
    pub buffer: u64,
}

impl Default for Bounds {
    /// 1 GiB, as a volume's content has by default; 64 MiB in memory.
    fn default() -> Self {
        Self { capacity: 1 << 30, buffer: 64 << 20 }
    }
}

/// A journal that a synchronisation writes to, from any thread. Every call
/// but [`note`](Self::note) and [`size`](Self::size) may block; none needs, or
/// minds, an asynchronous runtime around it.
///
/// A call that fails may be repeated, and [`Error::Broken`](crate::Error) is
/// for good.
pub trait JournalStore: Send + Sync {
    /// Asked before an operation whose record has about `bytes` of content and
    /// names; with no lock held, as it may write to make room in memory.
    ///
    /// # Errors
    /// `Full`, `TooLarge`: do not do it. Or a write failed.
    fn admit(&self, bytes: u64) -> Result<()>;

    /// Takes a record into memory; no I/O. One caller at a time, in ascending
    /// order of `seq`. `bases`: what the backend had of what it changes, where
    /// an earlier record does not say so.
    ///
    /// # Errors
    /// `Full`, `TooLarge`: the journal does not have the record, and takes no
    /// later one, nor acknowledges it, until [`stored`](Self::stored) is called
    /// with a number that none of the refused is above. `Invalid` where the
    /// order is broken, which also breaks the journal.
    fn note(&self, seq: u64, time: Timestamp, bases: &[Base], note: Note<'_>) -> Result<()>;

    /// When this returns, the records up to `seq` survive this process. Calls
    /// at the same moment share a write.
    ///
    /// # Errors
    /// The write failed, or one of the records was refused. What was not
    /// written stays in memory, and the next call tries it again.
    fn acknowledge(&self, seq: u64) -> Result<()>;

    /// When this returns, what was noted before it was called survives the
    /// machine, as far as its disks, or those of the server, keep what they
    /// say they have.
    ///
    /// # Errors
    /// As [`acknowledge`](Self::acknowledge). `Broken` where the disk could not
    /// say whether it has it all.
    fn sync(&self) -> Result<()>;

    /// The group of the records up to `up_to` is about to be applied; `group`
    /// is the caller's description of it. As durable as after
    /// [`sync`](Self::sync) when this returns, with the records. A later group
    /// takes its place.
    ///
    /// # Errors
    /// As [`sync`](Self::sync); then a restart may find it begun or not.
    /// `TooLarge` above [`LONGEST_GROUP`](crate::LONGEST_GROUP).
    fn begin(&self, up_to: u64, group: &[u8]) -> Result<()>;

    /// The backend has all records up to `up_to`: they are needed no more.
    /// Frees what holds no other records. Takes place also in a full journal.
    ///
    /// # Errors
    /// As [`sync`](Self::sync); then a restart may find them stored or not, and
    /// the space is freed by a later call.
    fn stored(&self, up_to: u64) -> Result<()>;

    /// Bytes that are kept now, and those that wait to be written.
    fn size(&self) -> u64;
}
