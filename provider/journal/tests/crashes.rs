//! Processes that end in the middle, and disks that take nothing more.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{note, write};
use larder_journal::{Error, FileJournal, FileOptions, JournalStore};
use tempfile::TempDir;

/// Names the directory for the test that is run as a child, and says so.
const DIRECTORY: &str = "LARDER_JOURNAL_TEST_DIRECTORY";
const KILLS: usize = 12;

fn options() -> FileOptions {
    FileOptions { segment: 32 << 10, ..FileOptions::new("volume") }
}

fn child(test: &str, directory: &Path, before: &str) -> Child {
    Command::new("sh")
        .args(["-c", &format!("{before} exec \"$0\" --exact {test} --nocapture --test-threads=1")])
        .arg(std::env::current_exe().unwrap())
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Notes and acknowledges in two threads until it is killed; prints what was
/// acknowledged, and what was stored.
fn keep_writing(directory: &Path) {
    let (journal, recovered) = FileJournal::open(directory, options()).unwrap();
    let next = std::sync::Mutex::new(recovered.last);
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let (journal, next) = (&journal, &next);
            scope.spawn(move || {
                for round in 1_u64.. {
                    let mut next = next.lock().unwrap();
                    *next += 1;
                    let seq = *next;
                    note(journal, &write(seq, vec![1; fastrand::usize(..3000)])).unwrap();
                    drop(next);
                    journal.acknowledge(seq).unwrap();
                    say("acknowledged", seq);
                    if thread == 0 && round.is_multiple_of(50) {
                        journal.begin(seq, &seq.to_le_bytes()).unwrap();
                        say("storing", seq);
                        journal.stored(seq).unwrap();
                        say("stored", seq);
                    }
                }
            });
        }
    });
}

fn say(what: &str, seq: u64) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{what} {seq}").unwrap();
    out.flush().unwrap();
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        return keep_writing(Path::new(&directory));
    }
    let directory = TempDir::new().unwrap();
    let mut known = 0;
    for _ in 0..KILLS {
        let mut child = child("what_was_acknowledged_survives_a_kill", directory.path(), "");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sent, said) = std::sync::mpsc::channel();
        let reader = std::thread::spawn(move || {
            let (mut acknowledged, mut storing, mut stored) = (0, 0, 0);
            for line in lines.map_while(Result::ok) {
                let Some((what, seq)) = line.split_once(' ') else { continue };
                let highest = match what {
                    "acknowledged" => &mut acknowledged,
                    "storing" => &mut storing,
                    "stored" => &mut stored,
                    _ => continue,
                };
                *highest = seq.parse::<u64>().unwrap().max(*highest);
                let _ = sent.send(());
            }
            (acknowledged, storing, stored)
        });
        said.recv_timeout(Duration::from_secs(60)).unwrap();
        std::thread::sleep(Duration::from_millis(fastrand::u64(..200)));
        child.kill().unwrap();
        child.wait().unwrap();
        let (acknowledged, storing, stored) = reader.join().unwrap();

        let (_, recovered) = FileJournal::open(directory.path(), options()).unwrap();
        let possible = stored.max(known)..=storing.max(known);
        known = recovered.stored;
        assert!(possible.contains(&known), "{known} {possible:?}");
        assert!(recovered.last >= acknowledged, "{} {acknowledged}", recovered.last);
        let last = recovered.last;
        let numbers: Vec<_> = recovered.records.map(|record| record.unwrap().seq).collect();
        assert_eq!(numbers, (known + 1..=last).collect::<Vec<_>>());
    }
}

/// The files of this process cannot be longer than 16 KiB.
fn write_too_much(directory: &Path) {
    let (journal, _) = FileJournal::open(directory, options()).unwrap();
    let mut seq = 0;
    let error = loop {
        seq += 1;
        note(&journal, &write(seq, vec![1; 1500])).unwrap();
        if let Err(error) = journal.acknowledge(seq) {
            break error;
        }
    };
    assert!(matches!(error, Error::Io { operation: "write", .. }), "{error}");
    assert_eq!(error.code(), larder_core::ErrorCode::InsufficientSpace);
    // It is tried again, and those behind it with it.
    note(&journal, &write(seq + 1, "x")).unwrap();
    assert!(journal.acknowledge(seq + 1).is_err());
    assert!(journal.begin(seq, b"group").is_err());
    // What the backend has needs no place: only the marker does.
    journal.stored(seq + 1).unwrap();
    note(&journal, &write(seq + 2, "behind")).unwrap();
    journal.acknowledge(seq + 2).unwrap();
    note(&journal, &write(seq + 3, vec![1; 17000])).unwrap();
    assert!(journal.acknowledge(seq + 3).is_err());
    say("last", seq + 3);
}

#[test]
fn a_failed_write_leaves_nothing_out() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        return write_too_much(Path::new(&directory));
    }
    let directory = TempDir::new().unwrap();
    // In units of 512 bytes.
    let child = child("a_failed_write_leaves_nothing_out", directory.path(), "trap '' XFSZ; ulimit -f 32;");
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let last: u64 = text.lines().find_map(|line| line.strip_prefix("last ")).unwrap().parse().unwrap();
    let (journal, recovered) = FileJournal::open(directory.path(), options()).unwrap();
    assert_eq!((recovered.stored, recovered.last), (last - 2, last - 1));
    // The process ended before it was tried again.
    assert!(recovered.cut.is_some());
    let records: Vec<_> = recovered.records.map(Result::unwrap).collect();
    assert_eq!(records, [write(last - 1, "behind")]);
    note(&journal, &write(last, "again")).unwrap();
    journal.acknowledge(last).unwrap();
}
