//! The journal in a JetStream stream, on a real server.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::ConnectOptions;
use common::{note, records, write};
use larder_journal::{Begun, Bounds, Error, JournalStore, NatsJournal, NatsOptions, Record, Recovered};
use larder_test_nats::{Nats, Proxy};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

/// The room that streams reserve does not depend on the disk's.
const JETSTREAM: &str = "jetstream { store_dir: js, max_file_store: 8GB }";

fn options(url: &str) -> NatsOptions {
    NatsOptions {
        deadline: Duration::from_secs(5),
        ..NatsOptions::new(url, ConnectOptions::new(), "s3://here/bucket/prefix")
    }
}

fn open(nats: &Nats) -> (NatsJournal, Recovered) {
    NatsJournal::open(options(&nats.url())).unwrap()
}

fn read(recovered: Recovered) -> Vec<Record> {
    recovered.records.map(Result::unwrap).collect()
}

fn numbers(recovered: Recovered) -> Vec<u64> {
    recovered.records.map(|record| record.unwrap().seq).collect()
}

fn fill(journal: &NatsJournal, numbers: impl IntoIterator<Item = u64>) -> Vec<Record> {
    let records: Vec<_> =
        numbers.into_iter().map(|seq| write(seq, vec![u8::try_from(seq % 251).unwrap(); 700])).collect();
    for record in &records {
        note(journal, record).unwrap();
        journal.acknowledge(record.seq).unwrap();
    }
    records
}

/// Each case on a stream of its own; with messages so small that records and
/// groups are cut.
#[test]
fn what_was_acknowledged_is_recovered() {
    let nats = Nats::with(&format!("max_payload: 2048\n{JETSTREAM}"));
    let case = (
        records(40),
        0_u64..100,
        proptest::option::of((1_u64..100, proptest::collection::vec(any::<u8>(), 0..5000))),
        1_usize..4,
    );
    let cases = std::sync::atomic::AtomicUsize::new(0);
    let mut runner = TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) });
    let result = runner.run(&case, |(records, stored, begun, opened)| {
        let case = cases.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let open = || {
            let stream = format!("case-{case}");
            let bounds = Bounds { capacity: 4 << 20, ..Bounds::default() };
            NatsJournal::open(NatsOptions { stream, bounds, ..options(&nats.url()) }).unwrap()
        };
        let mut last = 0;
        for part in records.chunks(records.len().div_ceil(opened).max(1)) {
            let (journal, recovered) = open();
            prop_assert_eq!(recovered.last, last);
            for record in part {
                note(&journal, record).unwrap();
                last = record.seq;
            }
            journal.acknowledge(last).unwrap();
        }
        let stored = stored.min(last);
        let begun = begun.map(|(up_to, group)| Begun { up_to: up_to.min(last), group });
        let begun = begun.filter(|begun| begun.up_to > 0);
        let (journal, _) = open();
        if let Some(begun) = &begun {
            journal.begin(begun.up_to, &begun.group).unwrap();
        }
        if stored > 0 {
            journal.stored(stored).unwrap();
        }
        drop(journal);

        let (journal, recovered) = open();
        prop_assert_eq!((recovered.stored, recovered.last), (stored, last));
        prop_assert_eq!(&recovered.begun, &begun.filter(|begun| begun.up_to > stored));
        let left: Vec<_> = records.into_iter().filter(|record| record.seq > stored).collect();
        prop_assert_eq!(read(recovered), left);

        journal.stored(last).unwrap();
        drop(journal);
        let (journal, recovered) = open();
        prop_assert_eq!((recovered.stored, recovered.last), (last, last));
        prop_assert_eq!(read(recovered), []);
        prop_assert!(journal.size() < 2000, "{}", journal.size());
        Ok(())
    });
    result.unwrap();
}

#[test]
fn large_records_survive() {
    let nats = Nats::with(JETSTREAM);
    let (journal, _) = open(&nats);
    let records: Vec<_> = [5 << 20, 10, (1 << 20) - 512, 30 << 20]
        .into_iter()
        .zip(1..)
        .map(|(size, seq)| write(seq, vec![3; size]))
        .collect();
    for record in &records {
        note(&journal, record).unwrap();
    }
    journal.sync().unwrap();
    assert!(journal.size() > 36 << 20);
    drop(journal);
    let (journal, recovered) = open(&nats);
    assert!(journal.size() > 36 << 20);
    assert!(read(recovered) == records);
}

#[test]
fn whoever_opens_it_takes_it_over() {
    let nats = Nats::with(JETSTREAM);
    let (first, _) = open(&nats);
    let mut all = fill(&first, 1..5);
    let (second, recovered) = open(&nats);
    assert_eq!(read(recovered), all);
    note(&first, &write(5, "lost")).unwrap();
    let error = first.acknowledge(5).unwrap_err();
    let Error::Broken { cause } = &error else { panic!("{error}") };
    assert!(matches!(**cause, Error::Superseded { .. }), "{error}");
    assert!(matches!(first.stored(4), Err(Error::Broken { .. })));
    all.extend(fill(&second, 5..9));
    assert_eq!(read(open(&nats).1), all);
}

#[test]
fn it_is_taken_from_a_writer_that_writes() {
    let nats = Nats::with(JETSTREAM);
    let (first, _) = open(&nats);
    let writer = std::thread::spawn(move || {
        let refused = (1..).find(|seq| {
            note(&first, &write(*seq, "x")).unwrap();
            first.acknowledge(*seq).is_err()
        });
        refused.unwrap() - 1
    });
    std::thread::sleep(Duration::from_millis(300));
    let (_second, recovered) = open(&nats);
    let acknowledged = writer.join().unwrap();
    assert_eq!(recovered.last, acknowledged);
    assert_eq!(numbers(recovered), (1..=acknowledged).collect::<Vec<_>>());
}

#[test]
fn of_several_that_open_it_one_has_it() {
    let nats = Nats::with(JETSTREAM);
    let opened: Vec<_> = std::thread::scope(|scope| {
        let open = || NatsJournal::open(options(&nats.url()));
        let openers: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
        openers.into_iter().filter_map(|opener| opener.join().unwrap().ok()).collect()
    });
    let writes = |journal: &NatsJournal| {
        note(journal, &write(1, "x")).unwrap();
        journal.acknowledge(1).is_ok()
    };
    assert_eq!(opened.iter().filter(|(journal, _)| writes(journal)).count(), 1, "of {}", opened.len());
    assert_eq!(numbers(open(&nats).1), [1]);
}

#[test]
fn another_volumes_stream_is_refused() {
    let nats = Nats::with(JETSTREAM);
    let ours = options(&nats.url());
    let stream = ours.stream.clone();
    drop(NatsJournal::open(ours).unwrap());
    let identity = "s3://here/other".to_owned();
    let error = NatsJournal::open(NatsOptions { stream, identity, ..options(&nats.url()) }).map(drop).unwrap_err();
    assert!(matches!(error, Error::Identity { .. }), "{error}");
    let other = NatsOptions::new(nats.url(), ConnectOptions::new(), "s3://here/other");
    assert_eq!(NatsJournal::open(other).unwrap().1.last, 0);
}

#[test]
fn a_server_without_jetstream_is_named() {
    let nats = Nats::start();
    let error = NatsJournal::open(options(&nats.url())).map(drop).unwrap_err();
    assert!(matches!(error, Error::Server { .. }), "{error}");
    let error = NatsJournal::open(options("nats://127.0.0.1:1")).map(drop).unwrap_err();
    assert!(matches!(error, Error::Server { .. }), "{error}");
}

#[test]
fn what_is_stored_is_freed() {
    let nats = Nats::with(JETSTREAM);
    let (journal, _) = open(&nats);
    for seq in 1..=20 {
        note(&journal, &write(seq, vec![1; 200_000])).unwrap();
        journal.acknowledge(seq).unwrap();
    }
    let full = journal.size();
    journal.begin(10, b"group").unwrap();
    journal.stored(10).unwrap();
    assert!(journal.size() < full * 2 / 3, "{} of {full}", journal.size());
    let mut all = fill(&journal, 21..30);
    journal.stored(20).unwrap();
    drop(journal);
    let (journal, recovered) = open(&nats);
    assert!(journal.size() < 20_000, "{}", journal.size());
    assert_eq!(read(recovered), all);
    all.extend(fill(&journal, 30..40));
    assert_eq!(read(open(&nats).1), all);
}

#[test]
fn room_is_reserved_also_for_markers() {
    let nats = Nats::with("jetstream { store_dir: js, max_file_store: 4MB }");
    let small = |url: &str| NatsOptions { bounds: Bounds { capacity: 3 << 20, ..Bounds::default() }, ..options(url) };
    // The stream reserves more than the server has.
    let error = NatsJournal::open(small(&nats.url())).map(drop).unwrap_err();
    assert!(matches!(error, Error::Server { .. }), "{error}");

    let nats = Nats::with(JETSTREAM);
    let (journal, _) = NatsJournal::open(small(&nats.url())).unwrap();
    let mut seq = 0;
    while journal.admit(100_000).is_ok() {
        seq += 1;
        note(&journal, &write(seq, vec![1; 100_000])).unwrap();
        journal.acknowledge(seq).unwrap();
    }
    assert!(seq > 20, "{seq}");
    journal.begin(seq, &[7; 60_000]).unwrap();
    journal.stored(seq).unwrap();
    journal.admit(100_000).unwrap();
}

/// The outcome of what was under way is found out: nothing is there twice, and
/// nothing is missing.
#[test]
fn a_connection_that_breaks_loses_and_repeats_nothing() {
    let nats = Nats::with(JETSTREAM);
    let proxy = Proxy::to(nats.port());
    let (journal, _) = NatsJournal::open(options(&proxy.url())).unwrap();
    let journal = Arc::new(journal);
    let writer = {
        let journal = Arc::clone(&journal);
        std::thread::spawn(move || {
            for seq in 1..=400 {
                note(&*journal, &write(seq, vec![5; fastrand::usize(..20_000)])).unwrap();
                while let Err(error) = journal.acknowledge(seq) {
                    assert!(matches!(error, Error::Server { .. }), "{error}");
                }
            }
        })
    };
    while !writer.is_finished() {
        std::thread::sleep(Duration::from_millis(fastrand::u64(..300)));
        match fastrand::u8(..3) {
            0 => proxy.cut(),
            1 => proxy.stall(),
            _ => proxy.slow(Duration::from_millis(5)),
        }
        std::thread::sleep(Duration::from_millis(fastrand::u64(..200)));
        proxy.heal();
    }
    writer.join().unwrap();
    let (_, recovered) = open(&nats);
    assert_eq!(numbers(recovered), (1..=400).collect::<Vec<_>>());
}

/// Messages of a batch that the backend got meanwhile may still arrive.
#[test]
fn what_is_given_up_while_it_is_under_way_does_no_harm() {
    for stall in [Proxy::stall_clients, Proxy::stall, Proxy::cut] {
        let nats = Nats::with(JETSTREAM);
        let proxy = Proxy::to(nats.port());
        let short = NatsOptions { deadline: Duration::from_secs(2), ..options(&proxy.url()) };
        let (journal, _) = NatsJournal::open(short).unwrap();
        fill(&journal, 1..4);
        stall(&proxy);
        note(&journal, &write(5, vec![5; 3 << 20])).unwrap();
        assert!(journal.acknowledge(5).is_err());
        assert!(journal.stored(5).is_err());
        proxy.heal();
        let behind = write(6, "behind");
        note(&journal, &behind).unwrap();
        while journal.stored(5).is_err() {}
        journal.acknowledge(6).unwrap();
        drop(journal);
        let (_, recovered) = open(&nats);
        assert_eq!((recovered.stored, recovered.last), (5, 6));
        assert_eq!(read(recovered), [behind]);
    }
}

#[test]
fn a_server_that_is_killed_has_what_it_acknowledged() {
    let mut nats = Nats::with(JETSTREAM);
    let (journal, _) = open(&nats);
    let mut seq = 0;
    for _ in 0..3 {
        for _ in 0..50 {
            seq += 1;
            note(&journal, &write(seq, vec![5; 500])).unwrap();
            journal.acknowledge(seq).unwrap();
        }
        nats.stop();
        seq += 1;
        note(&journal, &write(seq, "while it is away")).unwrap();
        let error = journal.acknowledge(seq).unwrap_err();
        assert!(matches!(error, Error::Server { .. }), "{error}");
        nats.start_again();
        journal.acknowledge(seq).unwrap();
    }
    assert_eq!(numbers(open(&nats).1), (1..=seq).collect::<Vec<_>>());
}

#[test]
fn many_acknowledge_at_once() {
    const THREADS: u64 = 8;
    const EACH: u64 = 100;
    let nats = Nats::with(JETSTREAM);
    let (journal, _) = open(&nats);
    let next = Mutex::new(0);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (journal, next) = (&journal, &next);
            scope.spawn(move || {
                for round in 0..EACH {
                    let mut next = next.lock().unwrap();
                    *next += 1;
                    let seq = *next;
                    note(journal, &write(seq, vec![7; 3000])).unwrap();
                    drop(next);
                    journal.acknowledge(seq).unwrap();
                    if thread == 0 && round % 20 == 0 {
                        journal.begin(seq, b"group").unwrap();
                        journal.stored(seq).unwrap();
                    }
                }
            });
        }
    });
    drop(journal);
    let (_, recovered) = open(&nats);
    let (stored, last) = (recovered.stored, recovered.last);
    assert_eq!(last, THREADS * EACH);
    assert_eq!(numbers(recovered), (stored + 1..=last).collect::<Vec<_>>());
}

#[test]
fn it_blocks_within_other_runtimes() {
    let nats = Nats::with(JETSTREAM);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let all = runtime.block_on(async {
        let (journal, _) = open(&nats);
        fill(&journal, 1..5)
    });
    assert_eq!(runtime.block_on(async { read(open(&nats).1) }), all);
}
