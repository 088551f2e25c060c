//! Somebody swaps directories and files for symbolic links while a transfer
//! runs: it must not be led out of the paths that the caller named.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a failing test may panic")]

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::*;

/// For how long each test tries.
const TIME: Duration = Duration::from_secs(2);

/// Ends the other thread, also where an assertion fails.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Lets `names` in `directory` be now what they are, now links to `outside`.
fn swap_while(directory: &Path, names: &[&str], outside: &Path, stop: &AtomicBool, swaps: &AtomicU64) {
    while !stop.load(Ordering::Relaxed) {
        for name in names {
            let (there, aside) = (directory.join(name), directory.join(format!(".aside-{name}")));
            if fs::rename(&there, &aside).is_ok() {
                let _ = symlink(outside.join(name), &there);
                std::thread::yield_now();
                let _ = fs::remove_file(&there).or_else(|_| fs::remove_dir_all(&there));
                let _ = fs::rename(&aside, &there);
                swaps.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

#[test]
fn an_export_stays_in_its_destination() {
    let outside = tempfile::tempdir().unwrap();
    for name in ["d", "e"] {
        fs::create_dir(outside.path().join(name)).unwrap();
    }
    let before = see_host(outside.path());
    let to = tempfile::tempdir().unwrap();
    let view = volume();
    let root = view.root().unwrap();
    for directory in ["d", "e", "d/sub"] {
        root.create_directory_at(NOW, directory).unwrap();
    }
    for i in 0..20 {
        let file = format!("d/{i}");
        put(&view, &file, b"content");
        root.link_at(NOW, larder_core::Follow::No, &file, &root, &format!("e/{i}")).unwrap();
        root.symlink_at(NOW, "anywhere", &format!("d/sub/{i}")).unwrap();
    }
    let (stop, swaps) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut copied = 0;
    std::thread::scope(|threads| {
        threads.spawn(|| swap_while(to.path(), &["d", "e"], outside.path(), &stop, &swaps));
        let _stop = StopOnDrop(&stop);
        let begun = Instant::now();
        while begun.elapsed() < TIME {
            // It may fail, for the ground is moved under it.
            copied += transfer().export_host(&view, "", to.path()).map_or(0, |report| report.files);
        }
    });
    assert!(copied > 0 && swaps.into_inner() > 100, "nothing was tried");
    assert_same(&forget_access(see_host(outside.path())), &forget_access(before));
}

#[test]
fn an_import_stays_in_its_source() {
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir(outside.path().join("d")).unwrap();
    fs::write(outside.path().join("d/secret"), b"secret").unwrap();
    fs::write(outside.path().join("f"), b"secret").unwrap();
    let from = tempfile::tempdir().unwrap();
    fs::create_dir(from.path().join("d")).unwrap();
    fs::write(from.path().join("d/file"), b"mine").unwrap();
    fs::write(from.path().join("f"), b"mine").unwrap();
    let (stop, swaps) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut copied = 0;
    std::thread::scope(|threads| {
        threads.spawn(|| swap_while(from.path(), &["d", "f"], outside.path(), &stop, &swaps));
        let _stop = StopOnDrop(&stop);
        let begun = Instant::now();
        while begun.elapsed() < TIME {
            let view = volume();
            copied += transfer().import_host(from.path(), &view, "").unwrap().files;
            let tree = see_volume(&view, "");
            assert!(tree.values().all(|seen| seen.content != b"secret"), "{tree:?}");
            assert!(!tree.contains_key("/d/secret"), "{tree:?}");
        }
    });
    assert!(copied > 0 && swaps.into_inner() > 100, "nothing was tried");
}
