//! Apps, as they were built, over volumes that `larder-provider` serves over
//! NATS: `larder run` composes them in memory.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;
use std::time::Instant;

use larder_e2e::built::guest;
use larder_e2e::run::{larder_run, succeeds, told};
use larder_e2e::served::{Broker, PATIENCE};

#[test]
fn files_outlive_the_run() {
    let broker = Broker::start();
    let _provider = broker.provider();
    succeeds(&mut broker.run("rust-files.wasm", "", &["create", "/kept", "200"]));
    succeeds(&mut broker.run("rust-files.wasm", "", &["verify", "/kept", "200"]));
    succeeds(&mut broker.run("rust-files.wasm", "", &["all", "/all", "200"]));
    let listed = succeeds(&mut broker.larder(&["ls", &broker.volume()]));
    assert!(listed.lines().any(|name| name == "kept"), "{listed}");
    let path = |path: &str| format!("{}{path}", broker.volume());
    let entries = succeeds(&mut broker.larder(&["ls", "--json", &path("/kept/d0")]));
    let entries: serde_json::Value = serde_json::from_str(&entries).unwrap();
    let name = entries.pointer("/0/entries/0/name").and_then(|name| name.as_str()).unwrap();
    let of_larder = succeeds(&mut broker.larder(&["cat", &path(&format!("/kept/d0/{name}"))]));
    let of_app = succeeds(&mut broker.run("rust-files.wasm", "", &["cat", &format!("/kept/d0/{name}")]));
    assert_eq!(of_larder, of_app, "{name}");
}

#[test]
fn sqlite_keeps_what_was_synced_when_the_provider_is_killed() {
    let broker = Broker::start();
    let provider = broker.provider();
    succeeds(&mut broker.run("python-sqlite.wasm", "", &["init"]));
    succeeds(&mut broker.run("python-sqlite.wasm", "", &["work", "10"]));
    // SIGKILL: nothing is saved at the end.
    drop(provider);
    let _provider = broker.provider();
    succeeds(&mut broker.run("python-sqlite.wasm", "", &["check"]));
    succeeds(&mut broker.run("python-sqlite.wasm", "", &["work", "5"]));
}

#[test]
fn a_mount_that_is_read_only_stays_so() {
    let broker = Broker::start();
    let _provider = broker.provider();
    let output = broker.run("rust-files.wasm", ":ro", &["create", "/more", "3"]).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("Read-only"), "{output:?}");
}

#[test]
fn remote_and_local_volumes_side_by_side() {
    let broker = Broker::start();
    let _provider = broker.provider();
    let run = |arguments: &[&str]| {
        let mut command = larder_run(broker.directory());
        let remote = format!("{}::/remote", broker.volume());
        command.args(["-v", &remote, "-v", "local.larder::/local"]).arg(guest("rust-files.wasm")).args(arguments);
        succeeds(&mut command);
    };
    for path in ["/remote/kept", "/local/kept"] {
        run(&["create", path, "20"]);
        run(&["verify", path, "20"]);
    }
    for volume in ["local.larder", &broker.volume()] {
        let listed = succeeds(&mut broker.larder(&["ls", volume]));
        assert_eq!(listed, "kept\n", "{volume}");
    }
}

#[test]
fn what_is_away_is_named_within_seconds() {
    let broker = Broker::start();
    fails_soon(&mut broker.run("rust-files.wasm", "", &["all"]), "nobody serves the volume");
    let _provider = broker.provider();
    let other = format!("{}/other", broker.nats_url());
    fails_soon(&mut broker.larder(&["ls", &other]), "nobody serves the volume");
    fails_soon(&mut broker.larder(&["ls", "nats://127.0.0.1:1/data"]), "cannot be reached");
    fails_soon(&mut broker.larder(&["rm", &format!("{}/x", broker.volume())]), "no-entry");
    fails_soon(&mut broker.run("rust-files-p1.wasm", "", &["all"]), "only components can use remote volumes");
}

fn fails_soon(command: &mut Command, expected: &str) {
    let started = Instant::now();
    let output = command.output().unwrap();
    let message = told(command, &output);
    assert!(!output.status.success() && message.contains(expected), "{expected}: {message}");
    assert!(started.elapsed() < PATIENCE, "{:?}: {message}", started.elapsed());
}
