//! Apps in four languages, unchanged, through `larder run`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use larder_e2e::built::guest;
use larder_e2e::run::{larder_run, succeeds};

/// Runs an app over a fresh volume in memory.
fn passes(app: &str, arguments: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    let mut command = larder_run(directory.path());
    // Absolute symbolic links are to work, not to be left out.
    succeeds(command.args(["--env", "ABSOLUTE_SYMLINKS=1"]).arg(guest(app)).args(arguments));
}

#[test]
fn rust_for_wasi_0_2_keeps_thousands_of_files() {
    passes("rust-files.wasm", &["all"]);
}

#[test]
fn rust_for_wasi_0_1_keeps_thousands_of_files() {
    passes("rust-files-p1.wasm", &["all"]);
}

#[test]
fn c_keeps_thousands_of_files() {
    passes("c-files.wasm", &[]);
}

#[test]
fn go_keeps_thousands_of_files() {
    passes("go-files.wasm", &[]);
}

#[test]
fn python_keeps_thousands_of_files() {
    passes("python-sqlite.wasm", &["files"]);
}

#[test]
fn a_volume_file_carries_files_from_run_to_run() {
    let directory = tempfile::tempdir().unwrap();
    let run = |app: &str, arguments: [&str; 3]| {
        let mut command = larder_run(directory.path());
        succeeds(command.args(["-v", "files.larder::/"]).arg(guest(app)).args(arguments))
    };
    // Each step is another process, and another of the two kinds of guests.
    run("rust-files.wasm", ["create", "/kept", "2000"]);
    run("rust-files-p1.wasm", ["verify", "/kept", "2000"]);
    run("rust-files.wasm", ["verify", "/kept", "2000"]);
    run("rust-files-p1.wasm", ["remove", "/kept", "2000"]);
}
