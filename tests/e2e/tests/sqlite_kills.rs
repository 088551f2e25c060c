//! SQLite on a volume file with `:sync`, killed at random moments: whatever it
//! reported as committed is there afterwards, and the database is whole.
//!
//! A kill of the host is to the guest what a power failure is to a native
//! SQLite: what was not synced is gone.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

use larder_e2e::built::guest;
use larder_e2e::run::{larder_run, succeeds};

fn sqlite(directory: &Path, journal: &str, arguments: &[&str]) -> Command {
    let mut command = larder_run(directory);
    command.args(["-v", "database.larder::/:sync", "--env"]).arg(format!("JOURNAL={journal}"));
    command.arg(guest("python-sqlite.wasm")).args(arguments);
    command
}

fn survives(journal: &str, lost: u64) {
    let directory = tempfile::tempdir().unwrap();
    succeeds(&mut sqlite(directory.path(), journal, &["init"]));
    larder_e2e::sqlite::survives(
        journal,
        lost,
        || sqlite(directory.path(), journal, &["work", "1000000"]),
        || succeeds(&mut sqlite(directory.path(), journal, &["check"])),
    );
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
