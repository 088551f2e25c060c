//! Volumes in buckets, without one: what is told of addresses. What needs a
//! bucket is in tests/e2e.

use std::os::unix::fs::PermissionsExt;

use crate::support::{Place, guest};

#[test]
fn wrong_addresses_are_told_by_their_key() {
    let place = Place::new();
    for (volume, says) in [
        ("s3://bucket", "VOLUME::GUEST"),
        ("s3://bucket?raed=cached::/", "`raed` is not known; the keys are read, write"),
        ("s3://bucket?read=both::/", "`read` is `cached` or `through`"),
        ("s3://bucket?memory=1MiB::/", "at least 64MiB"),
        ("s3://bucket?secret-access-key=x::/", "--s3-config"),
        ("s3://bucket/a//b::/", "prefix"),
    ] {
        place.fails(&["run", "-v", volume, "x.wasm"], 2, &[says]);
    }
    place.fails(&["cp", "x", "s3://bucket/dir/file"], 2, &["write `s3://bucket/dir/file:/` for its root"]);
    place.fails(&["ls", "s3://bucket?raed=x:/dir"], 2, &["`raed`"]);
    place.fails(&["s3", "status", "bucket"], 2, &["s3://BUCKET"]);
}

/// Where nobody listens: on an address that no host has.
const NOWHERE: &str = "endpoint=http://127.0.0.1:1";

fn credentials(command: &mut std::process::Command) -> &mut std::process::Command {
    command.envs([
        ("AWS_ACCESS_KEY_ID", "me"),
        ("AWS_SECRET_ACCESS_KEY", "hidden"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ])
}

#[test]
fn a_server_that_is_not_there_is_told() {
    let place = Place::new();
    let address = format!("s3://bucket/data?{NOWHERE}");
    for arguments in
        [["ls", &address].as_slice(), &["run", "-v", &format!("{address}::/"), &guest("rust-files"), "env"]]
    {
        let output = credentials(&mut place.command(arguments)).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains("cannot open s3://bucket/data") && told.contains("127.0.0.1:1"), "{told}");
        assert!(!told.contains("hidden"), "{told}");
    }
}

#[test]
fn one_volume_has_one_address() {
    let place = Place::new();
    let run = ["run", "-v", "s3://b/x?read=through::/a", "-v", "s3://b/x/?poll=never::/b", "x.wasm"];
    place.fails(&run, 1, &["s3://b/x?read=through and s3://b/x?poll=never are the same volume"]);
}

#[test]
fn asynchronous_writes_need_a_place_for_the_journal() {
    let place = Place::new();
    let run = ["run", "-v", "s3://b?write=async::/", "x.wasm"];
    let output = place.command(&run).env_remove("HOME").env_remove("XDG_STATE_HOME").output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("add `state=DIRECTORY`"), "{told}");
}

#[test]
fn a_configuration_file_is_its_owners() {
    let place = Place::new();
    let file = place.write("s3.toml", "[volume.a]\nbucket = 'b'\naccess_key_id = 'me'\nsecret_access_key = 'hidden'\n");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ran = place.fails(&["ls", "--s3-config", "s3.toml", "s3://b"], 1, &["chmod 600 s3.toml"]);
    assert!(!ran.err.contains("hidden"), "{}", ran.err);
    place.write("wrong.toml", "[volume.a]\nbucket = 'b'\nraed = 'x'\n");
    place.fails(&["ls", "--s3-config", "wrong.toml", "s3://b"], 1, &["wrong.toml, [volume.a]: `raed` is not known"]);
}

#[test]
fn the_status_of_a_volume_that_nobody_has() {
    let place = Place::new();
    let status = ["s3", "status", "--json", &format!("s3://bucket/data?state=state&{NOWHERE}")];
    let output = credentials(&mut place.command(&status)).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json.pointer("/open"), Some(&false.into()));
    assert!(json.pointer("/trouble").and_then(|text| text.as_str()).is_some_and(|text| text.contains("127.0.0.1:1")));
    // What a process left that was killed.
    place.write("state/status.json", r#"{"process": 7, "state": "ready", "written": 1}"#);
    let output = credentials(&mut place.command(&["s3", "status", status[3]])).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("process 7 ended without closing it"), "{told}");
}
