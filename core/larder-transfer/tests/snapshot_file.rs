//! Volumes in files: saved and loaded, and never harmed by a crash.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a failing test may panic")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::*;
use larder_core::{Limits, Rights, SnapshotError, View, Volume, VolumeOptions};
use larder_transfer::{TransferError, load, save, save_snapshot};

fn view_of(path: &Path) -> View {
    View::new(&load(path, VolumeOptions::default()).unwrap(), Rights::READ_WRITE).unwrap()
}

#[test]
fn a_volume_comes_back_from_its_file() {
    let host = tempfile::tempdir().unwrap();
    make_host_tree(host.path());
    let view = volume();
    transfer().import_host(host.path(), &view, "").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("volume.larder");
    let length = save(view.volume(), &path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), length);
    let after = view_of(&path);
    assert_same(&see_volume(&after, ""), &see_volume(&view, ""));
    // What was not changed is saved as the same bytes.
    let again = directory.path().join("again.larder");
    save(after.volume(), &again).unwrap();
    assert!(fs::read(&path).unwrap() == fs::read(&again).unwrap());
}

#[test]
fn a_snapshot_is_of_the_moment_when_it_was_taken() {
    let view = volume();
    let file = put(&view, "f", b"before");
    let snapshot = view.volume().freeze().unwrap();
    file.write(NOW, 0, b"behind").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("v");
    save_snapshot(&snapshot, &path).unwrap();
    assert_eq!(see_volume(&view_of(&path), "")["/f"].content, b"before");
}

#[test]
fn saving_keeps_what_others_set_on_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("v");
    let view = volume();
    save(view.volume(), &path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
    let is_root = std::os::unix::fs::chown(&path, Some(12_345), Some(23_456)).is_ok();
    put(&view, "f", b"x");
    save(view.volume(), &path).unwrap();
    let found = fs::metadata(&path).unwrap();
    assert_eq!(found.permissions().mode() & 0o7777, 0o604);
    if is_root {
        use std::os::unix::fs::MetadataExt;
        assert_eq!((found.uid(), found.gid()), (12_345, 23_456));
    }
    assert_eq!(see_volume(&view_of(&path), "")["/f"].content, b"x");
}

#[test]
fn errors_name_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("v");
    let missing = load(&path, VolumeOptions::default()).unwrap_err();
    assert!(matches!(missing, TransferError::Host { .. }) && missing.to_string().contains("/v: "), "{missing}");

    let view = volume();
    put(&view, "f", &[1; 10_000]);
    save(view.volume(), &path).unwrap();
    let limits = Limits { bytes: 5_000, ..Limits::default() };
    let small = load(&path, VolumeOptions { limits, ..VolumeOptions::default() }).unwrap_err();
    assert!(matches!(small, TransferError::Snapshot { error: SnapshotError::Limit(_), .. }), "{small}");
    assert!(small.to_string().contains("raise the limit"), "{small}");

    let mut longer = fs::read(&path).unwrap();
    let length = longer.len() as u64;
    longer.push(0);
    fs::write(&path, &longer).unwrap();
    match load(&path, VolumeOptions::default()) {
        Err(TransferError::Snapshot { error: SnapshotError::Corrupt { offset, .. }, .. }) => assert_eq!(offset, length),
        other => panic!("{other:?}"),
    }
    fs::write(&path, "a text file").unwrap();
    let other = load(&path, VolumeOptions::default()).unwrap_err().to_string();
    assert!(other.contains("/v: not a Larder snapshot"), "{other}");
    assert!(load(directory.path(), VolumeOptions::default()).is_err());
    assert!(save(view.volume(), &directory.path().join("no/such/v")).unwrap_err().to_string().contains("no/such/v"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_older_file() {
    // A file size limit of the process stands in for a full disk.
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("v");
    save(&Volume::new(VolumeOptions::default()), &path).unwrap();
    let before = fs::read(&path).unwrap();
    let status = child("child_that_fills_the_disk", &path, Some(1_000)).wait().unwrap();
    assert!(status.success());
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing else is left");
}

/// Runs one of the ignored tests below in a process of its own, which writes
/// files of at most `blocks` KiB.
fn child(name: &str, path: &Path, blocks: Option<u32>) -> std::process::Child {
    let limit = blocks.map_or_else(String::new, |blocks| format!("trap '' XFSZ; ulimit -f {blocks}; "));
    Command::new("bash")
        .args(["-c", &format!("{limit}exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", name, "--nocapture"])
        .env("LARDER_TEST_FILE", path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn file_of_parent() -> std::path::PathBuf {
    std::env::var_os("LARDER_TEST_FILE").unwrap().into()
}

#[test]
#[ignore = "run as a child of another test"]
fn child_that_fills_the_disk() {
    let view = volume();
    put(&view, "big", &[1; 4 << 20]);
    let error = save(view.volume(), &file_of_parent()).unwrap_err();
    assert!(matches!(error, TransferError::Host { .. }), "{error}");
}

/// Saves again and again: a counter, and a payload that belongs to it.
#[test]
#[ignore = "run as a child of another test"]
fn child_that_saves() {
    let path = file_of_parent();
    let view = view_of(&path);
    let root = view.root().unwrap();
    let mut counter = counter_of(&view);
    loop {
        counter += 1;
        for name in ["counter", "payload"] {
            let _ = root.unlink_file_at(NOW, name);
        }
        put(&view, "counter", counter.to_string().as_bytes());
        put(&view, "payload", &payload(counter));
        save(view.volume(), &path).unwrap();
        println!("saved {counter}");
    }
}

fn payload(counter: u64) -> Vec<u8> {
    vec![u8::try_from(counter % 251).unwrap(); 1_000_000 + usize::try_from(counter % 7).unwrap() * 100_000]
}

fn counter_of(view: &View) -> u64 {
    let tree = see_volume(view, "");
    let counter: u64 = tree.get("/counter").map_or(0, |seen| String::from_utf8_lossy(&seen.content).parse().unwrap());
    if counter > 0 {
        assert!(tree["/payload"].content == payload(counter), "a mixture of two volumes");
    }
    counter
}

#[test]
fn a_killed_writer_never_harms_the_older_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("volume.larder");
    save(&Volume::new(VolumeOptions::default()), &path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let (mut round, mut half_written) = (0, 0);
    // Until enough of them were killed while they wrote.
    while round < 25 || (half_written < 5 && round < 500) {
        round += 1;
        let mut child = child("child_that_saves", &path, None);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut saved =
            lines.by_ref().find_map(|line| Some(line.ok()?.strip_prefix("saved ")?.parse::<u64>().unwrap()));
        std::thread::sleep(Duration::from_micros(round * 1_234 % 30_000));
        // SIGKILL: nothing of the child runs any more.
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            saved = saved.max(line.strip_prefix("saved ").and_then(|number| number.parse().ok()));
        }
        let found = counter_of(&view_of(&path));
        assert!(Some(found) >= saved, "{saved:?} was saved, {found} is there");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
        let left = fs::read_dir(directory.path()).unwrap().count() - 1;
        assert!(left <= 1, "{left} leftovers");
        half_written += left;
    }
    assert!(half_written > 0, "no child was killed while it wrote: the test shows nothing");
    save(view_of(&path).volume(), &path).unwrap();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "the next writer removes leftovers");
}
