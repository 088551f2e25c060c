//! The journal of a volume that acknowledges operations before its backend,
//! such as a bucket, has them: what was acknowledged is in the journal, and is
//! done again after a crash.
//!
//! What lives here: records of operations by path ([`Operation`]), the
//! interface that a synchronisation writes them to ([`JournalStore`]), and its
//! two forms: files of a directory ([`FileJournal`]), and a JetStream stream
//! ([`NatsJournal`]). What does not: when operations are acknowledged or brought to the
//! backend, and how records are replayed.
//!
//! # What is in it
//!
//! Records, in ascending order of their sequence numbers, and two markers. A
//! group is what goes to the backend at once, all records up to a number:
//! [`begin`](JournalStore::begin) says that it is about to be applied,
//! [`stored`](JournalStore::stored) that it was, so that these records are
//! needed no more. On opening, [`Recovered`] tells what is left.
//!
//! # What it promises
//!
//! What was acknowledged survives the process, and with
//! [`sync`](JournalStore::sync) the machine. A recovered journal is a prefix
//! of the operations: nothing is left out in between, neither by a failed
//! write, which is repeated, nor by a record that had no place: then those
//! behind it have none either, until the backend has all of them.
#![forbid(unsafe_code)]

mod error;
mod file;
mod frame;
mod group;
mod nats;
mod operation;
mod queue;
mod recovered;
mod store;

pub use error::{Error, Result};
pub use file::{FileJournal, FileOptions};
pub use frame::LONGEST_GROUP;
pub use nats::{NatsJournal, NatsOptions};
pub use operation::{Base, Created, Note, Operation, Record};
pub use queue::LONGEST_RECORD;
pub use recovered::{Begun, Cut, Records, Recovered};
pub use store::{Bounds, JournalStore};
