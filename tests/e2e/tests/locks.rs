//! `larder:fs/locks` and `larder:fs/changes`, by guests of each form.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use larder_e2e::built::{guest, larder, wasmtime};
use larder_e2e::run::{larder_run, succeeds};
use larder_e2e::served::{Broker, Running, until};

const APP: &str = "locks.wasm";
const RIGHT: &str = "locks and versions are right\n";

fn composed(directory: &Path, options: &[&str]) {
    let mut command = Command::new(larder());
    command.arg("compose").arg(guest(APP)).args(options).arg("-o").arg(directory.join("app.wasm"));
    succeeds(&mut command);
}

/// Starts a command, and returns once it has said `line`.
fn says(mut command: Command, line: &str) -> Running {
    let mut running = Running(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut said = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said.trim_end(), line);
    running
}

#[test]
fn a_guest_of_the_host_form() {
    let directory = tempfile::tempdir().unwrap();
    let run = |mode: &str, arguments: &[&str]| {
        let mut command = larder_run(directory.path());
        command.args(["-v", &format!("files.larder::/data{mode}")]).arg(guest(APP)).args(arguments);
        succeeds(&mut command)
    };
    assert_eq!(run("", &["check", "/data/checked"]), RIGHT);
    assert_eq!(run(":ro", &["check-read-only", "/data/checked/file"]), "only shared locks\n");
    assert_eq!(run("", &["usage", "/data"]), "Some(3)\n", "the root, a directory and a file");
    assert_eq!(run("", &["usage", "/"]), "None\n", "nothing is mounted there");
}

#[test]
fn guests_of_one_process_count_together() {
    let directory = tempfile::tempdir().unwrap();
    let app = |name: &str| {
        let wasm = guest(APP);
        let mounts = "mounts = [{ volume = \"data\", path = \"/\" }]";
        format!("[[app]]\nname = {name:?}\nwasm = {wasm:?}\nargs = [\"count\", \"/number\", \"100\"]\n{mounts}\n\n")
    };
    let apps: String = ["one", "two", "three"].map(app).concat();
    std::fs::write(directory.path().join("apps.toml"), format!("[volumes.data]\nfile = \"data.larder\"\n\n{apps}"))
        .unwrap();
    let command = |arguments: &[&str]| {
        let mut command = Command::new(larder());
        succeeds(command.current_dir(directory.path()).args(arguments))
    };
    command(&["up", "apps.toml"]);
    assert_eq!(command(&["cat", "data.larder:/number"]), "300\n");
}

#[test]
fn a_guest_with_its_files_composed_in() {
    for options in [&["--via", "attach"][..], &["--via", "attach", "--bridge", "multi-memory"], &["--via", "plug"]] {
        let directory = tempfile::tempdir().unwrap();
        composed(directory.path(), options);
        let mut command = Command::new(wasmtime());
        command.current_dir(directory.path()).args(["run", "app.wasm", "check", "/checked"]);
        assert_eq!(succeeds(&mut command), RIGHT, "{options:?}");
    }
}

#[test]
fn a_guest_that_forwards() {
    let directory = tempfile::tempdir().unwrap();
    composed(directory.path(), &["--forward"]);
    let run = |mode: &str, arguments: &[&str]| {
        let mut command = larder_run(directory.path());
        command.args(["-v", &format!("files.larder::/data{mode}"), "app.wasm"]).args(arguments);
        succeeds(&mut command)
    };
    assert_eq!(run("", &["check", "/data/checked"]), RIGHT);
    assert_eq!(run("", &["usage", "/data"]), "None\n", "it is not this component's to count");
    assert_eq!(run(":ro", &["check-read-only", "/data/checked/file"]), "only shared locks\n");
}

#[test]
fn guests_of_several_processes_count_together() {
    let broker = Broker::start();
    let _provider = broker.provider();
    assert_eq!(succeeds(&mut broker.run(APP, "", &["check", "/checked"])), RIGHT);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| succeeds(&mut broker.run(APP, "", &["count", "/number", "50"])));
        }
    });
    assert_eq!(succeeds(&mut broker.larder(&["cat", &format!("{}/number", broker.volume())])), "150\n");
}

#[test]
fn a_lock_outlives_a_killed_guest_by_its_lease_alone() {
    let broker = Broker::start();
    let _provider = broker.provider_with("[server]\nlease_seconds = 2");
    let holder = says(broker.run(APP, "", &["hold", "/file", "600"]), "held");
    let tried = || succeeds(&mut broker.run(APP, "", &["try", "/file"]));
    assert_eq!(tried(), "would-block\n");
    drop(holder);
    until("the lock is free", || (tried() != "would-block\n").then_some(()));
}

#[test]
fn what_another_guest_changes_is_noticed() {
    let broker = Broker::start();
    let _provider = broker.provider();
    succeeds(&mut broker.run(APP, "", &["count", "/file", "1"]));
    let mut watcher = broker.run(APP, "", &["watch", "/file", "30"]);
    let mut watcher = watcher.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(watcher.stdout.take().unwrap()).lines();
    assert_eq!(said.next().unwrap().unwrap(), "watching");
    succeeds(&mut broker.run(APP, "", &["count", "/file", "1"]));
    assert!(said.next().unwrap().unwrap().starts_with("changed to"), "content is written in two steps");
    assert!(watcher.wait().unwrap().success());
}
