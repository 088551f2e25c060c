//! Apps composed with `--forward`: their files are in the volumes of the host
//! that serves `larder:fs/store`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use larder_e2e::built::{guest, larder, wasmtime};
use larder_e2e::run::{larder_run, succeeds};
use tempfile::TempDir;

/// A directory with an app in it that forwards.
fn composed(app: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new(larder());
    command.args(["compose", "--forward"]).arg(guest(app)).arg("-o").arg(directory.path().join("app.wasm"));
    succeeds(&mut command);
    directory
}

/// Runs it over a volume file.
fn run(directory: &TempDir, mode: &str, arguments: &[&str]) -> Command {
    let mut command = larder_run(directory.path());
    command.args(["-v", &format!("files.larder::/{mode}"), "app.wasm"]).args(arguments);
    command
}

#[test]
fn files_are_in_the_hosts_volume() {
    let directory = composed("rust-files.wasm");
    succeeds(&mut run(&directory, "", &["create", "/kept", "500"]));
    succeeds(&mut run(&directory, "", &["verify", "/kept", "500"]));
    // An app that does not forward finds them as well.
    let mut other = larder_run(directory.path());
    succeeds(other.args(["-v", "files.larder::/"]).arg(guest("rust-files.wasm")).args(["verify", "/kept", "500"]));
    succeeds(&mut run(&directory, "", &["all", "/all", "500"]));
}

#[test]
fn a_mount_that_is_read_only_stays_so() {
    let directory = composed("rust-files.wasm");
    succeeds(&mut run(&directory, "", &["create", "/kept", "3"]));
    let output = run(&directory, ":ro", &["create", "/more", "3"]).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("Read-only"), "{output:?}");
}

#[test]
fn sqlite_finds_its_database_again() {
    let directory = composed("python-sqlite.wasm");
    succeeds(&mut run(&directory, "", &["init"]));
    succeeds(&mut run(&directory, "", &["work", "30"]));
    succeeds(&mut run(&directory, "", &["check"]));
}

#[test]
fn a_host_without_a_store_says_what_is_missing() {
    let directory = composed("rust-files.wasm");
    let mut command = Command::new(wasmtime());
    let output = command.current_dir(directory.path()).args(["run", "app.wasm", "all"]).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("larder:fs/store"), "{output:?}");
}
