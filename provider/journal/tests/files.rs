//! The journal in a directory: what is recovered, what is refused, what is
//! cut off.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{note, records, write};
use larder_core::{SetTime, Timestamp};
use larder_journal::{
    Begun, Bounds, Error, FileJournal, FileOptions, JournalStore, Note, Operation, Record, Recovered,
};
use proptest::prelude::*;
use tempfile::TempDir;

fn options() -> FileOptions {
    FileOptions { segment: 4 << 10, ..FileOptions::new("s3://here/bucket/prefix") }
}

fn open(directory: &Path) -> (FileJournal, Recovered) {
    FileJournal::open(directory, options()).unwrap()
}

fn refused(directory: &Path) -> Error {
    FileJournal::open(directory, options()).map(drop).unwrap_err()
}

fn read(recovered: Recovered) -> Vec<Record> {
    recovered.records.map(Result::unwrap).collect()
}

fn segments(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "journal")).collect();
    paths.sort();
    paths
}

fn fill(journal: &FileJournal, numbers: impl IntoIterator<Item = u64>) -> Vec<Record> {
    let records: Vec<_> =
        numbers.into_iter().map(|seq| write(seq, vec![u8::try_from(seq % 251).unwrap(); 700])).collect();
    for record in &records {
        note(journal, record).unwrap();
        journal.acknowledge(record.seq).unwrap();
    }
    records
}

#[test]
fn nothing_is_recovered_from_nothing() {
    let directory = TempDir::new().unwrap();
    for _ in 0..2 {
        let (_journal, recovered) = open(&directory.path().join("a/b"));
        assert_eq!((recovered.stored, recovered.last), (0, 0));
        assert_eq!((&recovered.begun, &recovered.cut), (&None, &None));
        assert_eq!(read(recovered), []);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_was_acknowledged_is_recovered(
        records in records(40),
        stored in 0_u64..100,
        begun in proptest::option::of((0_u64..100, proptest::collection::vec(any::<u8>(), 0..50))),
        opened in 1_usize..4,
    ) {
        let directory = TempDir::new().unwrap();
        let mut last = 0;
        for part in records.chunks(records.len().div_ceil(opened).max(1)) {
            let (journal, recovered) = open(directory.path());
            prop_assert_eq!(recovered.last, last);
            for record in part {
                note(&journal, record).unwrap();
                last = record.seq;
            }
            journal.acknowledge(last).unwrap();
        }
        let stored = stored.min(last);
        let begun = begun.map(|(up_to, group)| Begun { up_to: up_to.min(last), group }).filter(|begun| begun.up_to > 0);
        let (journal, _) = open(directory.path());
        if let Some(begun) = &begun {
            journal.begin(begun.up_to, &begun.group).unwrap();
        }
        if stored > 0 {
            journal.stored(stored).unwrap();
        }
        drop(journal);

        let (journal, recovered) = open(directory.path());
        prop_assert_eq!((recovered.stored, recovered.last), (stored, last));
        prop_assert_eq!(&recovered.begun, &begun.filter(|begun| begun.up_to > stored));
        let left: Vec<_> = records.into_iter().filter(|record| record.seq > stored).collect();
        prop_assert_eq!(read(recovered), left);

        journal.stored(last).unwrap();
        drop(journal);
        let (_, recovered) = open(directory.path());
        prop_assert_eq!((recovered.stored, recovered.last), (last, last));
        prop_assert_eq!(read(recovered), []);
    }
}

#[test]
fn now_is_the_time_of_the_operation() {
    let directory = TempDir::new().unwrap();
    let time = Timestamp { seconds: -5, nanoseconds: 7 };
    let (journal, _) = open(directory.path());
    journal.note(1, time, &[], Note::SetTimes { path: "a", accessed: SetTime::Now, modified: SetTime::Keep }).unwrap();
    journal.acknowledge(1).unwrap();
    drop(journal);
    let operation = Operation::SetTimes { path: "a".to_owned(), accessed: SetTime::At(time), modified: SetTime::Keep };
    assert_eq!(read(open(directory.path()).1), [Record { seq: 1, time, bases: Vec::new(), operation }]);
}

#[test]
fn a_torn_end_is_cut_off_wherever_it_is() {
    let directory = TempDir::new().unwrap();
    let (journal, _) = open(directory.path());
    let mut records = fill(&journal, 1..3);
    let [path] = &segments(directory.path())[..] else { panic!("one segment") };
    let whole = fs::metadata(path).unwrap().len();
    let last = write(3, "content");
    note(&journal, &last).unwrap();
    journal.sync().unwrap();
    drop(journal);
    let bytes = fs::read(path).unwrap();
    let behind = usize::try_from(whole).unwrap();
    for end in behind..bytes.len() {
        // As it is left by a process that is killed, and by a machine that
        // keeps a file's length and loses its content.
        let mut lost = bytes.clone();
        lost[end..].fill(0);
        for torn in [&bytes[..end], &lost] {
            fs::write(path, torn).unwrap();
            let (_, recovered) = open(directory.path());
            let cut = recovered.cut.clone().map(|cut| (cut.file, cut.offset, cut.bytes));
            let taken = torn.len() as u64 - whole;
            assert_eq!(cut, (taken > 0).then(|| (path.clone(), whole, taken)), "{end}");
            assert_eq!(recovered.last, 2);
            assert_eq!(read(recovered), records, "{end}");
            assert_eq!(fs::metadata(path).unwrap().len(), whole);
        }
    }
    let (journal, _) = open(directory.path());
    records.extend(fill(&journal, 3..9));
    drop(journal);
    assert_eq!(read(open(directory.path()).1), records);
}

#[test]
fn damage_before_the_end_is_named() {
    let directory = TempDir::new().unwrap();
    let (journal, _) = open(directory.path());
    fill(&journal, 1..40);
    drop(journal);
    let paths = segments(directory.path());
    assert!(paths.len() > 3, "{paths:?}");
    let bytes = fs::read(&paths[1]).unwrap();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x40;
        fs::write(&paths[1], &damaged).unwrap();
        match refused(directory.path()) {
            Error::Damaged { place, offset, .. } => {
                assert_eq!(Path::new(&place), paths[1]);
                assert!(offset <= at as u64, "{offset} {at}");
            }
            Error::Version { .. } => assert!((8..12).contains(&at), "{at}"),
            error => panic!("{at}: {error}"),
        }
    }
    fs::write(&paths[1], &bytes[..bytes.len() - 1]).unwrap();
    assert!(matches!(refused(directory.path()), Error::Damaged { .. }));
    fs::write(&paths[1], &bytes).unwrap();
    assert_eq!(read(open(directory.path()).1).len(), 39);
}

#[test]
fn a_missing_segment_is_named() {
    let directory = TempDir::new().unwrap();
    let (journal, _) = open(directory.path());
    fill(&journal, 1..40);
    drop(journal);
    let paths = segments(directory.path());
    for gone in &paths[..paths.len() - 1] {
        let bytes = fs::read(gone).unwrap();
        fs::remove_file(gone).unwrap();
        let Error::Damaged { place, reason, .. } = refused(directory.path()) else { panic!("{gone:?}") };
        assert_eq!((Path::new(&place), reason), (gone.as_path(), "the file is missing"));
        fs::write(gone, bytes).unwrap();
    }
    // One that was being made.
    fs::write(directory.path().join("00000099.journal.new"), "LARD").unwrap();
    assert_eq!(read(open(directory.path()).1).len(), 39);
    assert_eq!(segments(directory.path()), paths);
}

#[test]
fn a_second_opener_is_refused() {
    let directory = TempDir::new().unwrap();
    let (journal, _) = open(directory.path());
    let error = refused(directory.path());
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    drop(journal);
    open(directory.path());
}

#[test]
fn another_volumes_journal_is_refused() {
    let directory = TempDir::new().unwrap();
    let (journal, _) = open(directory.path());
    fill(&journal, 1..2);
    drop(journal);
    let error = FileJournal::open(directory.path(), FileOptions::new("s3://here/other")).map(drop).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("is the journal of s3://here/bucket/prefix, not of s3://here/other"), "{text}");
}

#[test]
fn a_newer_journal_is_refused() {
    let directory = TempDir::new().unwrap();
    open(directory.path());
    let path = &segments(directory.path())[0];
    let mut bytes = fs::read(path).unwrap();
    bytes[8] = 9;
    fs::write(path, bytes).unwrap();
    assert!(matches!(refused(directory.path()), Error::Version { found: 9, .. }));
}

#[test]
fn what_is_stored_is_freed() {
    let directory = TempDir::new().unwrap();
    let (journal, _) = open(directory.path());
    fill(&journal, 1..40);
    let full = journal.size();
    let on_disk: u64 = segments(directory.path()).iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert_eq!(full, on_disk);
    journal.begin(20, b"group").unwrap();
    journal.stored(20).unwrap();
    assert!(journal.size() < full * 2 / 3, "{} of {full}", journal.size());
    journal.stored(39).unwrap();
    assert!(journal.size() < 200, "{}", journal.size());
    assert_eq!(segments(directory.path()).len(), 1);
    // Stored again, or less, is nothing new.
    journal.stored(39).unwrap();
    journal.stored(3).unwrap();
    let rest = fill(&journal, 50..60);
    drop(journal);
    let (_, recovered) = open(directory.path());
    assert_eq!((recovered.stored, recovered.last), (39, 59));
    assert_eq!(read(recovered), rest);
}

#[test]
fn a_full_journal_takes_nothing_until_it_is_stored() {
    let directory = TempDir::new().unwrap();
    let bounds = Bounds { capacity: 40 << 10, buffer: 64 << 20 };
    let options = FileOptions { bounds, ..options() };
    let (journal, _) = FileJournal::open(directory.path(), options.clone()).unwrap();
    let mut seq = 0;
    while journal.admit(1000).is_ok() {
        seq += 1;
        note(&journal, &write(seq, vec![1; 1000])).unwrap();
        journal.acknowledge(seq).unwrap();
    }
    assert!(matches!(journal.admit(1000), Err(Error::Full { .. })));
    assert!(matches!(journal.admit(40 << 10), Err(Error::TooLarge { .. })));
    // What was admitted before still fits, up to the bound.
    let admitted = seq;
    let refused = loop {
        seq += 1;
        if let Err(error) = note(&journal, &write(seq, vec![1; 1000])) {
            break error;
        }
    };
    assert!(matches!(refused, Error::Full { .. }), "{refused}");
    assert!(seq > admitted + 2, "{seq}");
    journal.acknowledge(seq - 1).unwrap();
    assert!(matches!(journal.acknowledge(seq), Err(Error::Full { .. })));
    // A small one would fit, but is not the next.
    assert!(note(&journal, &write(seq + 1, "")).is_err());
    assert!(matches!(journal.admit(0), Err(Error::Full { .. })));
    journal.begin(seq, b"group").unwrap();
    journal.stored(seq).unwrap();
    assert!(journal.admit(0).is_err(), "the next one is still refused");
    journal.stored(seq + 1).unwrap();
    journal.acknowledge(seq + 1).unwrap();
    journal.admit(1000).unwrap();
    note(&journal, &write(seq + 2, "behind")).unwrap();
    journal.acknowledge(seq + 2).unwrap();
    drop(journal);
    let (_, recovered) = FileJournal::open(directory.path(), options).unwrap();
    assert_eq!(read(recovered), [write(seq + 2, "behind")]);
}

#[test]
fn memory_is_bounded() {
    let directory = TempDir::new().unwrap();
    let options = FileOptions { bounds: Bounds { capacity: 1 << 30, buffer: 8 << 10 }, ..options() };
    let (journal, _) = FileJournal::open(directory.path(), options).unwrap();
    for seq in 1..20 {
        journal.admit(3000).unwrap();
        note(&journal, &write(seq, vec![1; 3000])).unwrap();
    }
    let error = (20..25).find_map(|seq| note(&journal, &write(seq, vec![1; 3000])).err()).unwrap();
    assert!(matches!(error, Error::Full { most: 8192, .. }), "{error}");
}

#[test]
fn out_of_order_breaks_it() {
    let directory = TempDir::new().unwrap();
    let (journal, _) = open(directory.path());
    fill(&journal, [5]);
    assert!(matches!(note(&journal, &write(5, "")), Err(Error::Invalid { .. })));
    assert!(matches!(journal.acknowledge(5), Err(Error::Broken { .. })));
}

#[test]
fn a_large_group_is_refused() {
    let directory = TempDir::new().unwrap();
    let (journal, _) = open(directory.path());
    journal.begin(1, &vec![1; 64 << 10]).unwrap();
    assert!(matches!(journal.begin(1, &vec![1; (64 << 10) + 1]), Err(Error::TooLarge { .. })));
    drop(journal);
    assert_eq!(open(directory.path()).1.begun.unwrap().group.len(), 64 << 10);
}

#[test]
fn records_are_read_while_others_are_noted() {
    let directory = TempDir::new().unwrap();
    let (journal, _) = open(directory.path());
    let records = fill(&journal, 1..40);
    drop(journal);
    let (journal, mut recovered) = open(directory.path());
    let first = recovered.records.next().unwrap().unwrap();
    fill(&journal, 40..80);
    assert_eq!(first, records[0]);
    assert_eq!(read(recovered), records[1..]);
}

#[test]
fn many_acknowledge_at_once() {
    const THREADS: u64 = 8;
    const EACH: u64 = 200;
    let directory = TempDir::new().unwrap();
    let (journal, _) = open(directory.path());
    let next = std::sync::Mutex::new(0);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (journal, next) = (&journal, &next);
            scope.spawn(move || {
                for round in 0..EACH {
                    let mut next = next.lock().unwrap();
                    *next += 1;
                    let seq = *next;
                    note(journal, &write(seq, vec![7; 300])).unwrap();
                    drop(next);
                    journal.acknowledge(seq).unwrap();
                    if thread == 0 && round % 20 == 0 {
                        journal.begin(seq, b"group").unwrap();
                        journal.stored(seq).unwrap();
                    }
                    if thread == 1 && round % 30 == 0 {
                        journal.sync().unwrap();
                    }
                }
            });
        }
    });
    drop(journal);
    let (_, recovered) = open(directory.path());
    let (stored, last) = (recovered.stored, recovered.last);
    assert_eq!(last, THREADS * EACH);
    let numbers: Vec<_> = read(recovered).into_iter().map(|record| record.seq).collect();
    assert_eq!(numbers, (stored + 1..=last).collect::<Vec<_>>());
}
