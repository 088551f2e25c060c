//! Imports from and exports to host directories.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a failing test may panic")]

mod common;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use common::*;
use larder_core::{ErrorCode, Follow, Limits, Rights, View};
use larder_transfer::{Note, Report, TransferError};

fn reasons(notes: &[Note]) -> Vec<(&str, &str)> {
    notes.iter().map(|note| (&*note.path, &*note.reason)).collect()
}

#[track_caller]
fn assert_complete(report: &Report) {
    assert!(report.is_complete(), "{report:#?}");
}

fn volume_code(error: &TransferError) -> ErrorCode {
    match error {
        TransferError::Volume { error, .. } => error.code(),
        other => panic!("{other}"),
    }
}

#[test]
fn a_directory_comes_into_a_volume_and_back() {
    let from = tempfile::tempdir().unwrap();
    make_host_tree(from.path());
    let view = volume();
    let report = transfer().import_host(from.path(), &view, "in/put").unwrap();
    assert_complete(&report);
    // Looking changes the times of access: only after the import.
    let before = see_host(from.path());
    assert_same(&forget_access(see_volume(&view, "in/put")), &forget_access(before.clone()));
    let tree = see_volume(&view, "in/put");
    assert_eq!(tree["/a/text"].accessed, (1_000_000_000, 5));
    assert_eq!((report.files, report.directories, report.symlinks, report.hard_links), (7, 8, 5, 3));
    assert_eq!(view.volume().usage(), view.volume().recount());

    let to = tempfile::tempdir().unwrap();
    let exported = transfer().export_host(&view, "/in/put/", &to.path().join("out")).unwrap();
    assert_complete(&exported);
    let after = see_host(&to.path().join("out"));
    assert_same(&forget_access(after.clone()), &forget_access(before));
    assert_eq!(after["/a/text"].accessed, (1_000_000_000, 5));
    let counts = |report: Report| (report.files, report.directories, report.symlinks, report.hard_links);
    assert_eq!(counts(exported), counts(report));
}

#[test]
fn sparse_files_stay_sparse() {
    let host = tempfile::tempdir().unwrap();
    let huge = fs::File::create(host.path().join("huge")).unwrap();
    huge.set_len(1 << 40).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&huge, b"x", 1 << 39).unwrap();

    let view = limited(Limits { bytes: 100_000, file_bytes: 1 << 50, ..Limits::default() });
    let report = transfer().import_host(host.path(), &view, "").unwrap();
    assert_complete(&report);
    let file = open(&view.root().unwrap(), "huge");
    assert_eq!(file.stat().unwrap().size, 1 << 40);
    assert_eq!(&*file.read(1 << 39, 2).unwrap().into_bytes(), b"x\0");
    assert!(view.volume().usage().bytes < 10_000);

    let holes = volume();
    put(&holes, "hole", b"").set_size(NOW, 1 << 42).unwrap();
    put(&holes, "some", b"head").set_size(NOW, 200 << 20).unwrap();
    let out = tempfile::tempdir().unwrap();
    assert_complete(&transfer().export_host(&holes, "", out.path()).unwrap());
    for (name, size) in [("hole", 1 << 42), ("some", 200 << 20)] {
        let found = fs::metadata(out.path().join(name)).unwrap();
        assert_eq!(found.len(), size);
        assert!(found.blocks() * 512 < 100_000, "{name} takes {} blocks", found.blocks());
    }
}

#[test]
fn what_a_volume_cannot_hold_is_reported() {
    let host = tempfile::tempdir().unwrap();
    let at = |name: &str| host.path().join(name);
    assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    let _socket = UnixListener::bind(at("socket")).unwrap();
    fs::create_dir(at("dir")).unwrap();
    let bad = OsStr::from_bytes(b"bad-\xff");
    fs::write(host.path().join(bad), b"x").unwrap();
    fs::create_dir(at("dir").join(bad)).unwrap();
    fs::write(at("dir").join(bad).join("inside"), b"x").unwrap();
    symlink(bad, at("link")).unwrap();
    fs::write(at("good"), b"good").unwrap();

    let view = volume();
    let report = transfer().import_host(host.path(), &view, "").unwrap();
    let mut skipped = reasons(&report.skipped);
    skipped.sort_unstable();
    let special = "it is a device, socket or pipe, which a volume cannot hold";
    assert_eq!(
        skipped,
        [
            ("bad-\u{fffd}", "its name is not valid UTF-8"),
            ("dir/bad-\u{fffd}", "its name is not valid UTF-8"),
            ("link", "its target is not valid UTF-8"),
            ("pipe", special),
            ("socket", special),
        ]
    );
    assert!(!report.is_complete());
    assert_eq!(see_volume(&view, "").into_keys().collect::<Vec<_>>(), ["", "/dir", "/good"]);
}

#[test]
fn what_may_not_be_read_is_reported() {
    let host = tempfile::tempdir().unwrap();
    let at = |name: &str| host.path().join(name);
    fs::create_dir(at("closed")).unwrap();
    fs::write(at("closed/inside"), b"x").unwrap();
    fs::write(at("secret"), b"x").unwrap();
    fs::write(at("open"), b"x").unwrap();
    for name in ["closed", "secret"] {
        fs::set_permissions(at(name), fs::Permissions::from_mode(0o000)).unwrap();
    }
    let is_root = fs::read(at("secret")).is_ok();
    let view = volume();
    let report = transfer().import_host(host.path(), &view, "").unwrap();
    if is_root {
        // Root may read everything: nothing to see.
        assert_complete(&report);
    } else {
        let skipped: Vec<_> = report.skipped.iter().map(|note| &*note.path).collect();
        assert_eq!(skipped, ["closed", "secret"], "{report:?}");
        assert_eq!(see_volume(&view, "").into_keys().collect::<Vec<_>>(), ["", "/open"]);
    }
    fs::set_permissions(at("closed"), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn an_export_does_not_follow_planted_links() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("victim"), b"mine").unwrap();
    let to = tempfile::tempdir().unwrap();
    // A file, a directory, a link and a hard link, each planted before.
    symlink(outside.path().join("victim"), to.path().join("file")).unwrap();
    symlink(outside.path(), to.path().join("dir")).unwrap();
    symlink(outside.path().join("new"), to.path().join("link")).unwrap();
    fs::hard_link(outside.path().join("victim"), to.path().join("linked")).unwrap();

    let view = volume();
    put(&view, "file", b"guest's");
    put(&view, "linked", b"guest's too");
    let root = view.root().unwrap();
    root.create_directory_at(NOW, "dir").unwrap();
    put(&view, "dir/inside", b"x");
    root.symlink_at(NOW, "anywhere", "link").unwrap();
    let report = transfer().export_host(&view, "", to.path()).unwrap();

    assert_eq!(reasons(&report.skipped), [("dir", "a file is in the way of a directory")]);
    assert_eq!(fs::read(outside.path().join("victim")).unwrap(), b"mine");
    assert_eq!(see_host(outside.path()).into_keys().collect::<Vec<_>>(), ["", "/victim"]);
    assert_eq!(fs::read(to.path().join("file")).unwrap(), b"guest's");
    assert!(!fs::symlink_metadata(to.path().join("file")).unwrap().is_symlink());
    assert_eq!(fs::read_link(to.path().join("link")).unwrap(), Path::new("anywhere"));
    assert_eq!(see_host(to.path()).into_keys().collect::<Vec<_>>(), ["", "/dir", "/file", "/link", "/linked"]);
}

#[test]
fn an_exports_own_links_are_not_followed() {
    // The volume holds a link out and, under another name of the same
    // directory entry order, things that would go through it.
    let outside = tempfile::tempdir().unwrap();
    let view = volume();
    let root = view.root().unwrap();
    root.symlink_at(NOW, &outside.path().to_string_lossy(), "a").unwrap();
    let to = tempfile::tempdir().unwrap();
    transfer().export_host(&view, "", to.path()).unwrap();
    root.unlink_file_at(NOW, "a").unwrap();
    root.create_directory_at(NOW, "a").unwrap();
    put(&view, "a/escaped", b"x");
    let report = transfer().export_host(&view, "", to.path()).unwrap();
    assert_eq!(report.skipped.len(), 1, "{report:?}");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn an_import_does_not_follow_links_in_the_volume() {
    let host = tempfile::tempdir().unwrap();
    fs::create_dir(host.path().join("d")).unwrap();
    fs::write(host.path().join("d/inside"), b"x").unwrap();
    fs::write(host.path().join("f"), b"new").unwrap();
    let view = volume();
    let root = view.root().unwrap();
    for directory in ["to", "elsewhere"] {
        root.create_directory_at(NOW, directory).unwrap();
    }
    put(&view, "elsewhere/file", b"mine");
    root.symlink_at(NOW, "../elsewhere", "to/d").unwrap();
    root.symlink_at(NOW, "../elsewhere/file", "to/f").unwrap();
    let report = transfer().import_host(host.path(), &view, "to").unwrap();
    assert_eq!(reasons(&report.skipped), [("d", "a file or symbolic link is in the way of a directory")]);
    let tree = see_volume(&view, "");
    assert_eq!(tree["/elsewhere/file"].content, b"mine");
    assert_eq!((tree["/to/f"].kind, &*tree["/to/f"].content), ("file", &b"new"[..]));
    assert_eq!(tree.len(), 6, "{tree:?}");
}

#[test]
fn files_and_directories_do_not_replace_one_another() {
    let view = volume();
    put(&view, "a", b"file");
    view.root().unwrap().create_directory_at(NOW, "b").unwrap();
    put(&view, "b/below", b"x");
    let host = tempfile::tempdir().unwrap();
    fs::create_dir(host.path().join("a")).unwrap();
    fs::write(host.path().join("a/keep"), b"keep").unwrap();
    fs::write(host.path().join("b"), b"file").unwrap();

    let exported = transfer().export_host(&view, "", host.path()).unwrap();
    assert_eq!(
        reasons(&exported.skipped),
        [("a", "a directory is in the way"), ("b", "a file is in the way of a directory")]
    );
    let imported = transfer().import_host(host.path(), &view, "").unwrap();
    assert_eq!(
        reasons(&imported.skipped),
        [("a", "a file or symbolic link is in the way of a directory"), ("b", "a directory is in the way")]
    );
    assert_eq!(see_host(host.path()).into_keys().collect::<Vec<_>>(), ["", "/a", "/a/keep", "/b"]);
    assert_eq!(see_volume(&view, "").into_keys().collect::<Vec<_>>(), ["", "/a", "/b", "/b/below"]);
}

#[test]
fn what_is_there_is_updated_and_the_rest_stays() {
    let host = tempfile::tempdir().unwrap();
    make_host_tree(host.path());
    let view = volume();
    transfer().import_host(host.path(), &view, "").unwrap();
    let to = tempfile::tempdir().unwrap();
    fs::create_dir(to.path().join("a")).unwrap();
    fs::set_permissions(to.path().join("a"), fs::Permissions::from_mode(0o711)).unwrap();
    fs::write(to.path().join("a/stays"), b"stays").unwrap();
    fs::write(to.path().join("a/text"), b"a longer text than the one in the volume").unwrap();
    for _ in 0..2 {
        assert_complete(&transfer().export_host(&view, "", to.path()).unwrap());
        assert_complete(&transfer().import_host(host.path(), &view, "").unwrap());
    }
    let mut tree = see_host(to.path());
    assert_eq!(tree["/a"].mode, 0o711, "a directory that was there keeps its mode");
    assert_eq!(tree.remove("/a/stays").unwrap().content, b"stays");
    let directories_apart = |tree: Tree| {
        without(forget_access(tree), |path, seen| {
            if seen.kind == "directory" {
                seen.modified = (0, 0);
            }
            if ["", "/a"].contains(&path) {
                seen.mode = 0;
            }
        })
    };
    assert_same(&directories_apart(tree), &directories_apart(see_host(host.path())));
    assert_eq!(view.volume().usage(), view.volume().recount());
}

#[test]
fn single_files_go_where_cp_would_put_them() {
    let host = tempfile::tempdir().unwrap();
    let file = host.path().join("file");
    fs::write(&file, b"content").unwrap();
    symlink("file", host.path().join("link")).unwrap();
    let view = volume();
    view.root().unwrap().create_directory_at(NOW, "there").unwrap();
    for destination in ["renamed", "/new/deep/renamed", "there", "made/", "/"] {
        assert_complete(&transfer().import_host(&file, &view, destination).unwrap());
    }
    assert_complete(&transfer().import_host(&host.path().join("link"), &view, "through-link").unwrap());
    let tree = see_volume(&view, "");
    for path in ["/renamed", "/new/deep/renamed", "/there/file", "/made/file", "/file", "/through-link"] {
        assert_eq!((tree[path].kind, &*tree[path].content), ("file", &b"content"[..]), "{path}");
    }

    let out = tempfile::tempdir().unwrap();
    fs::create_dir(out.path().join("there")).unwrap();
    let at = |path: &str| out.path().join(path);
    for destination in [at("renamed"), at("new/deep/renamed"), at("there"), at("made/")] {
        let report = transfer().export_host(&view, "/there/file", &destination).unwrap();
        assert_complete(&report);
        assert_eq!((report.files, report.bytes), (1, 7));
    }
    for path in ["renamed", "new/deep/renamed", "there/file", "made/file"] {
        assert_eq!(fs::read(at(path)).unwrap(), b"content", "{path}");
    }
}

#[test]
fn limits_hold_and_errors_name_the_path() {
    let host = tempfile::tempdir().unwrap();
    fs::create_dir(host.path().join("d")).unwrap();
    fs::write(host.path().join("d/big"), vec![1; 1 << 20]).unwrap();
    let view = limited(Limits { bytes: 500_000, ..Limits::default() });
    let error = transfer().import_host(host.path(), &view, "to").unwrap_err();
    assert_eq!(volume_code(&error), ErrorCode::InsufficientSpace);
    let text = error.to_string();
    assert!(text.contains("/to/d/big") && text.contains("raise the limit"), "{text}");
    assert!(view.volume().usage().bytes <= 500_000);
    assert_eq!(view.volume().usage(), view.volume().recount());

    let few = limited(Limits { inodes: 3, ..Limits::default() });
    let error = transfer().import_host(host.path(), &few, "to").unwrap_err();
    assert_eq!(volume_code(&error), ErrorCode::InsufficientSpace);

    let short = limited(Limits { name_bytes: 2, ..Limits::default() });
    let report = transfer().import_host(host.path(), &short, "").unwrap();
    assert_eq!(reasons(&report.skipped), [("d/big", "a name or target is longer than the volume allows")]);
}

#[test]
fn a_file_with_more_links_than_allowed_is_copied() {
    let host = tempfile::tempdir().unwrap();
    fs::write(host.path().join("1"), b"x").unwrap();
    for name in ["2", "3"] {
        fs::hard_link(host.path().join("1"), host.path().join(name)).unwrap();
    }
    let view = limited(Limits { links: 2, ..Limits::default() });
    let report = transfer().import_host(host.path(), &view, "").unwrap();
    assert_eq!((report.files, report.hard_links, report.altered.len()), (2, 1, 1), "{report:?}");
    assert!(report.altered[0].reason.contains("copied instead of linked"), "{report:?}");
}

#[test]
fn rights_hold() {
    let host = tempfile::tempdir().unwrap();
    fs::write(host.path().join("f"), b"x").unwrap();
    let view = volume();
    view.root().unwrap().create_directory_at(NOW, "sub").unwrap();
    let read_only = View::new(view.volume(), Rights::READ_ONLY).unwrap();
    let error = transfer().import_host(host.path(), &read_only, "").unwrap_err();
    assert_eq!(volume_code(&error), ErrorCode::ReadOnly);
    let out = tempfile::tempdir().unwrap();
    assert_complete(&transfer().export_host(&read_only, "", out.path()).unwrap());

    let sub = view.subdirectory("sub", Rights::READ_WRITE).unwrap();
    for outside in ["..", "../sideways", "../.."] {
        let error = transfer().import_host(host.path(), &sub, outside).unwrap_err();
        assert!(
            matches!(volume_code(&error), ErrorCode::NotPermitted | ErrorCode::NoEntry | ErrorCode::Invalid),
            "{outside}: {error}"
        );
        assert!(transfer().export_host(&sub, outside, &out.path().join("out")).is_err());
    }
    transfer().import_host(host.path(), &sub, "").unwrap();
    assert_eq!(see_volume(&view, "").into_keys().collect::<Vec<_>>(), ["", "/sub", "/sub/f"]);
}

#[test]
fn rights_over_a_guests_files_do_not_come_onto_the_host() {
    let host = tempfile::tempdir().unwrap();
    fs::write(host.path().join("tool"), b"#!/bin/sh\n").unwrap();
    fs::set_permissions(host.path().join("tool"), fs::Permissions::from_mode(0o6755)).unwrap();
    let view = volume();
    transfer().import_host(host.path(), &view, "").unwrap();
    assert_eq!(see_volume(&view, "")["/tool"].mode, 0o6755);
    let out = tempfile::tempdir().unwrap();
    let report = transfer().export_host(&view, "", out.path()).unwrap();
    assert_eq!(see_host(out.path())["/tool"].mode, 0o755);
    assert_eq!(report.altered.len(), 1, "{report:?}");
}

#[test]
fn trees_that_are_too_deep_are_reported_and_harm_nothing() {
    let view = volume();
    let mut here = view.root().unwrap();
    for _ in 0..2_000 {
        here.create_directory_at(NOW, "d").unwrap();
        here = open(&here, "d");
    }
    let out = tempfile::tempdir().unwrap();
    let report = transfer().export_host(&view, "", out.path()).unwrap();
    assert_eq!(report.skipped.len(), 1, "{report:?}");
    assert!(report.skipped[0].reason.contains("deep"), "{report:?}");
    assert_eq!(report.directories, 512);

    // And in the other direction, deeper than a path of the host can say.
    let deep = tempfile::tempdir().unwrap();
    let name = long_name('d');
    let mut handle = cap_std::fs::Dir::open_ambient_dir(deep.path(), cap_std::ambient_authority()).unwrap();
    for _ in 0..600 {
        handle.create_dir(&name).unwrap();
        handle = handle.open_dir(&name).unwrap();
    }
    let into = volume();
    let report = transfer().import_host(deep.path(), &into, "").unwrap();
    assert_eq!((report.skipped.len(), report.directories), (1, 512), "{:?}", report.skipped.len());
    drop(handle);
    Command::new("rm").arg("-rf").arg(deep.path()).status().unwrap();
}

#[test]
fn extreme_times_are_kept_or_reported() {
    use larder_core::{SetTime, Timestamp};
    let view = volume();
    let file = put(&view, "f", b"x");
    for seconds in [i64::MIN, i64::MAX, -1, 0, 1 << 40] {
        let time = Timestamp { seconds, nanoseconds: 999_999_999 };
        file.set_times(NOW, SetTime::At(time), SetTime::At(time)).unwrap();
        let out = tempfile::tempdir().unwrap();
        match transfer().export_host(&view, "", out.path()) {
            Ok(report) => assert_eq!(report.files, 1, "{seconds}"),
            Err(TransferError::Host { .. }) => {}
            Err(other) => panic!("{seconds}: {other}"),
        }
    }
}

#[test]
fn progress_tells_every_entry_and_byte() {
    let host = tempfile::tempdir().unwrap();
    make_host_tree(host.path());
    let tree = see_host(host.path());
    let total: u64 = tree
        .iter()
        .filter(|(path, seen)| seen.kind == "file" && seen.same_as == **path)
        .map(|(_, seen)| seen.content.len() as u64)
        .sum();
    let view = volume();
    let mut heard = Heard::default();
    transfer().with_progress(&mut heard).import_host(host.path(), &view, "").unwrap();
    assert_eq!((heard.entries, heard.bytes), (tree.len() as u64 - 1, total));

    let out = tempfile::tempdir().unwrap();
    let mut heard = Heard::default();
    transfer().with_progress(&mut heard).export_host(&view, "", out.path()).unwrap();
    assert_eq!((heard.entries, heard.bytes), (tree.len() as u64 - 1, total));
}

#[test]
fn what_is_not_there_is_an_error_with_its_path() {
    let view = volume();
    let error = transfer().import_host(Path::new("/no/such/thing"), &view, "").unwrap_err();
    assert!(error.to_string().contains("/no/such/thing"), "{error}");
    let out = tempfile::tempdir().unwrap();
    let error = transfer().export_host(&view, "no/such", out.path()).unwrap_err();
    assert!(error.to_string().contains("/no/such"), "{error}");
    fs::write(out.path().join("file"), b"").unwrap();
    let error = transfer().export_host(&view, "", &out.path().join("file")).unwrap_err();
    assert!(error.to_string().contains("file"), "{error}");
}

/// Lets the other thread end also where an assertion fails.
struct StopOnDrop<'a>(&'a std::sync::atomic::AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn guests_may_change_the_volume_meanwhile() {
    let view = volume();
    for i in 0..200 {
        put(&view, &format!("f{i}"), b"content");
    }
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let root = view.root().unwrap();
            let mut i = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let name = format!("f{}", i % 200);
                let _ = root.unlink_file_at(NOW, &name);
                if i % 3 == 0 {
                    let _ = root.create_directory_at(NOW, &name);
                    let _ = root.remove_directory_at(NOW, &name);
                }
                put(&view, &name, b"content");
                i += 1;
                // A thread that does nothing else would hold the directory's
                // lock most of the time.
                std::thread::sleep(std::time::Duration::from_micros(20));
            }
        });
        let _stop = StopOnDrop(&stop);
        for _ in 0..5 {
            let out = tempfile::tempdir().unwrap();
            let exported = transfer().export_host(&view, "", out.path()).unwrap();
            assert!(exported.files + exported.skipped.len() as u64 >= 100);
            assert_eq!(see_host(out.path()).values().filter(|seen| seen.kind == "file").count() as u64, exported.files);
            transfer().import_host(out.path(), &view, "copy").unwrap();
        }
    });
    assert!(view.root().unwrap().stat_at(Follow::No, "copy").is_ok());
}
