//! SQLite on a volume file with `:sync`, killed at random moments: whatever it
//! reported as committed is there afterwards, and the database is whole.
//!
//! A kill of the host is to the guest what a power failure is to a native
//! SQLite: what was not synced is gone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use larder_e2e::built::guest;
use larder_e2e::run::{larder_run, succeeds};

/// Kills for each journal mode; `LARDER_KILLS` changes it.
const KILLS: u32 = 8;
const SEED: u64 = 0x2c1b_3c6d_9f4a_7e15;

fn sqlite(directory: &Path, journal: &str, arguments: &[&str]) -> Command {
    let mut command = larder_run(directory);
    command.args(["-v", "database.larder::/:sync", "--env"]).arg(format!("JOURNAL={journal}"));
    command.arg(guest("python-sqlite.wasm")).args(arguments);
    command
}

/// The number of the last transaction in what `work` or `check` printed.
fn committed(line: &str) -> Option<u64> {
    line.strip_prefix("committed ")?.trim().parse().ok()
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().expect("kill runs");
    assert!(status.success(), "kill -s {name}");
}

/// Lets `work` go on for some transactions and a moment more, then ends it;
/// returns the last transaction that it reported before.
fn work_and_kill(command: &mut Command, transactions: u64, moment: Duration, how: &str) -> u64 {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut last = 0;
    for _ in 0..transactions {
        let line = lines.next().expect("work goes on until it is killed").unwrap();
        last = committed(&line).unwrap_or_else(|| panic!("work prints what it committed, not {line:?}"));
    }
    std::thread::sleep(moment);
    signal(&child, how);
    // What it reported until the kill counts as well.
    last = lines.map_while(Result::ok).filter_map(|line| committed(&line)).last().unwrap_or(last);
    let _ = child.wait().unwrap();
    last
}

/// `lost` is how many transactions SQLite itself may lose that it reported.
fn survives(journal: &str, lost: u64) {
    let kills = std::env::var("LARDER_KILLS").map_or(KILLS, |number| number.parse().expect("LARDER_KILLS is a number"));
    let directory = tempfile::tempdir().unwrap();
    succeeds(&mut sqlite(directory.path(), journal, &["init"]));
    let mut random = SEED ^ journal.len() as u64;
    let mut below = move |bound: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % bound
    };
    let mut before = 0;
    for kill in 0..kills {
        let how = if kill % 4 == 3 { "TERM" } else { "KILL" };
        let (transactions, moment) = (below(12), Duration::from_micros(below(60_000)));
        let mut work = sqlite(directory.path(), journal, &["work", "1000000"]);
        let reported = work_and_kill(&mut work, transactions, moment, how).max(before);
        let told = succeeds(&mut sqlite(directory.path(), journal, &["check"]));
        let found = told.lines().find_map(committed).expect("check prints the last transaction");
        let when = format!("after SIG{how} number {kill}, {moment:?} behind {transactions} transactions");
        eprintln!("{journal}: {found} transactions, {reported} reported, {when}");
        assert!(told.contains("integrity ok"), "{when}: {told}");
        // One more than reported may be there: committed, and killed before
        // it could say so.
        let expected = reported.saturating_sub(lost)..=reported + 1;
        assert!(expected.contains(&found), "{reported} were reported, {found} are there, {when}");
        before = found;
    }
    assert!(before > 0, "some transactions came through");
}

/// Deleting the journal commits, and with `synchronous = full` SQLite does not
/// sync the directory afterwards; only `extra` does (SQLite, "PRAGMA
/// synchronous"). So a kill may bring the last journal back, and with it the
/// state before the last transaction.
#[test]
fn a_deleted_journal_survives_kills() {
    survives("delete", 1);
}

#[test]
fn a_truncated_journal_survives_kills() {
    survives("truncate", 0);
}

#[test]
fn a_persistent_journal_survives_kills() {
    survives("persist", 0);
}
