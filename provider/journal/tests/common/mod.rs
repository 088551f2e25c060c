//! What the tests of the journal share: operations, and noting them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
#![allow(dead_code, reason = "each test uses its part")]

use bytes::Bytes;
use larder_core::{Made, SetTime, Timestamp};
use larder_journal::{Base, Created, JournalStore, Note, Operation, Record, Result};
use proptest::prelude::*;

/// Notes a record as it would be recovered.
pub(crate) fn note(journal: &dyn JournalStore, record: &Record) -> Result<()> {
    let data: &[u8];
    let note = match &record.operation {
        Operation::Create { path, made } => Note::Create {
            path,
            made: match made {
                Created::File { mode } => Made::File { mode: *mode },
                Created::Directory { mode } => Made::Directory { mode: *mode },
                Created::Symlink { target } => Made::Symlink { target },
            },
        },
        Operation::Link { from, to } => Note::Link { from, to },
        Operation::Remove { path } => Note::Remove { path },
        Operation::Rename { from, to } => Note::Rename { from, to },
        Operation::Write { path, offset, data: bytes } => {
            data = bytes;
            return journal.note(
                record.seq,
                record.time,
                &record.bases,
                Note::Write { path, offset: *offset, data: &data },
            );
        }
        Operation::SetSize { path, size } => Note::SetSize { path, size: *size },
        Operation::SetTimes { path, accessed, modified } => {
            Note::SetTimes { path, accessed: *accessed, modified: *modified }
        }
        Operation::SetMode { path, mode } => Note::SetMode { path, mode: *mode },
    };
    journal.note(record.seq, record.time, &record.bases, note)
}

pub(crate) fn write(seq: u64, data: impl Into<Bytes>) -> Record {
    let operation = Operation::Write { path: format!("file-{seq}"), offset: seq * 3, data: data.into() };
    Record { seq, time: Timestamp::from_seconds(7), bases: Vec::new(), operation }
}

pub(crate) fn times() -> impl Strategy<Value = Timestamp> {
    (any::<i64>(), 0..Timestamp::NANOSECONDS).prop_map(|(seconds, nanoseconds)| Timestamp { seconds, nanoseconds })
}

fn set_times() -> impl Strategy<Value = SetTime> {
    prop_oneof![Just(SetTime::Keep), times().prop_map(SetTime::At)]
}

pub(crate) fn operations() -> impl Strategy<Value = Operation> {
    let path = || "[a-zä/]{0,40}";
    let data = proptest::collection::vec(any::<u8>(), 0..3000).prop_map(Bytes::from);
    prop_oneof![
        (path(), any::<u32>()).prop_map(|(path, mode)| Operation::Create { path, made: Created::File { mode } }),
        (path(), any::<u32>()).prop_map(|(path, mode)| Operation::Create { path, made: Created::Directory { mode } }),
        (path(), path()).prop_map(|(path, target)| Operation::Create { path, made: Created::Symlink { target } }),
        (path(), path()).prop_map(|(from, to)| Operation::Link { from, to }),
        path().prop_map(|path| Operation::Remove { path }),
        (path(), path()).prop_map(|(from, to)| Operation::Rename { from, to }),
        (path(), any::<u64>(), data).prop_map(|(path, offset, data)| Operation::Write { path, offset, data }),
        (path(), any::<u64>()).prop_map(|(path, size)| Operation::SetSize { path, size }),
        (path(), set_times(), set_times()).prop_map(|(path, accessed, modified)| Operation::SetTimes {
            path,
            accessed,
            modified
        }),
        (path(), any::<u32>()).prop_map(|(path, mode)| Operation::SetMode { path, mode }),
    ]
}

/// Records in order, with gaps.
pub(crate) fn records(most: usize) -> impl Strategy<Value = Vec<Record>> {
    let base = ("[a-z/]{0,9}", proptest::option::of("[0-9a-f]{0,32}"), any::<u64>());
    let bases = proptest::collection::vec(base.prop_map(|(path, version, size)| Base { path, version, size }), 0..3);
    proptest::collection::vec((1_u64..5, times(), bases, operations()), 0..most).prop_map(|all| {
        let mut seq = 0;
        all.into_iter()
            .map(|(gap, time, bases, operation)| {
                seq += gap;
                Record { seq, time, bases, operation }
            })
            .collect()
    })
}
