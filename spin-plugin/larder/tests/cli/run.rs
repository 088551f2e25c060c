//! `larder run`: what the guest sees, what it gives, and what is kept.

use std::io::Write;
use std::process::Stdio;

use crate::support::{Place, guest};

#[test]
fn components_and_core_modules_run() {
    for name in ["rust-files", "rust-files-p1"] {
        let place = Place::new();
        place.ok(&["run", &guest(name), "all", "/work", "200"]);
        assert!(place.names().is_empty(), "the host's disk is not touched");
    }
}

#[test]
fn the_exit_code_is_the_guests() {
    let place = Place::new();
    // Rust's std for WASI 0.2 tells the host no more than success or failure.
    for (name, codes) in
        [("rust-files-p1", [(0, 0), (1, 1), (7, 7), (125, 125)]), ("rust-files", [(0, 0), (1, 1), (7, 1), (125, 1)])]
    {
        let app = guest(name);
        for (asked, expected) in codes {
            let ran = place.larder(&["run", &app, "exit", &asked.to_string()]);
            assert_eq!((ran.code, ran.err.as_str()), (expected, ""), "{name}");
        }
    }
}

#[test]
fn standard_output_is_the_guests_alone() {
    let place = Place::new();
    let app = guest("rust-files");
    place.write("x", "to be shown\n");
    let ran = place.ok(&["run", "--copy-in", "x::/x", &app, "cat", "/x"]);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("to be shown\n", ""));
}

#[test]
fn the_environment_is_what_was_given() {
    let place = Place::new();
    let app = guest("rust-files");
    let mut command = place.command(&["run", "--env", "A=1", "-e", "B=x=y", "-e", "PASSED", &app, "env"]);
    let output = command.env("PASSED", "from here").env("SECRET", "kept").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "A=1\nB=x=y\nPASSED=from here\n");
}

#[test]
fn two_runs_share_a_volume_file() {
    let place = Place::new();
    let app = guest("rust-files");
    place.ok(&["run", "-v", "data.larder::/data", &app, "create", "/data/tree", "300"]);
    place.ok(&["run", "-v", "data.larder::/elsewhere", &app, "verify", "/elsewhere/tree", "300"]);
    place.ok(&["run", "-v", "data.larder::/", &guest("rust-files-p1"), "remove", "/tree", "300"]);
    assert_eq!(place.names(), ["data.larder"]);
}

#[test]
fn a_trap_still_saves() {
    let place = Place::new();
    for (name, path) in [("rust-files", "a"), ("rust-files-p1", "b")] {
        let app = guest(name);
        let run = ["run", "-v", "data.larder::/data", &app, "trap", &format!("/data/{path}")];
        let ran = place.fails(&run, 134, &["the guest trapped", "unreachable"]);
        assert_eq!(ran.out, "rust-files: about to trap\n");
        assert_eq!(place.ok(&["cat", &format!("data.larder:/{path}")]).out, "written before the trap\n");
    }
}

#[test]
fn a_nonzero_exit_still_saves() {
    let place = Place::new();
    let app = guest("rust-files-p1");
    place.write("x", "x");
    let run = ["run", "-v", "data.larder::/data", "--copy-in", "x::/data/x", &app, "exit", "3"];
    assert_eq!(place.larder(&run).code, 3);
    assert_eq!(place.ok(&["ls", "data.larder"]).out, "x\n");
}

#[test]
fn read_only_mounts_are_not_written_and_not_saved() {
    let place = Place::new();
    let app = guest("rust-files");
    place.write("x", "as it was\n");
    place.ok(&["cp", "x", "data.larder:/x"]);
    let before = std::fs::read(place.path("data.larder")).unwrap();
    place.fails(&["run", "-v", "data.larder::/data:ro", &app, "write-loop", "/data/x", "1"], 1, &["/data/x"]);
    assert_eq!(place.ok(&["run", "-v", "data.larder::/data:ro", &app, "cat", "/data/x"]).out, "as it was\n");
    assert_eq!(std::fs::read(place.path("data.larder")).unwrap(), before);
}

#[test]
fn one_volume_at_several_places_and_directories_of_volumes() {
    let place = Place::new();
    let app = guest("rust-files");
    place.write("x", "through both\n");
    let mounts = ["-v", "data.larder::/rw", "-v", "./data.larder::/ro:ro", "-v", "data.larder#/deep/er::/sub"];
    let run = |arguments: &[&str]| {
        let all: Vec<&str> = ["run"].iter().chain(&mounts).chain(arguments).copied().collect();
        place.larder(&all)
    };
    assert_eq!(run(&["--copy-in", "x::/sub/x", &app, "cat", "/ro/deep/er/x"]).out, "through both\n");
    assert_eq!(run(&[&app, "write-loop", "/ro/new", "1"]).code, 1);
    assert_eq!(run(&[&app, "write-loop", "/rw/new", "1"]).code, 0);
    // A scoped mount ends at its directory.
    assert_eq!(run(&[&app, "cat", "/sub/../../new"]).code, 1);
    place.fails(&["run", "-v", "a::/x", "-v", "b::/x", &app, "env"], 1, &["/x"]);
}

#[test]
fn volumes_in_memory_end_with_the_run() {
    let place = Place::new();
    let app = guest("rust-files");
    place.ok(&["run", "-v", "scratch::/tmp", "-v", "scratch::/var/tmp", &app, "create", "/tmp/x", "10"]);
    assert!(place.names().is_empty());
}

#[test]
fn volume_limits_hold() {
    let place = Place::new();
    let app = guest("rust-files");
    place.fails(&["run", "--limit", "inodes=50", &app, "create", "/work", "100"], 1, &[]);
    place.fails(&["run", "--limit", "bytes=16KiB", &app, "create", "/work", "100"], 1, &[]);
    place.ok(&["run", "--limit", "bytes=64MiB,inodes=10k", &app, "create", "/work", "100"]);
    // A volume that is larger than the limits is not cut: it is refused.
    place.ok(&["run", "-v", "data.larder::/", &app, "create", "/work", "100"]);
    let run = ["run", "-v", "data.larder::/", "--limit", "inodes=50", &app, "env"];
    place.fails(&run, 1, &["data.larder", "raise the limit"]);
}

#[test]
fn the_guests_memory_is_bounded() {
    let place = Place::new();
    place.fails(&["run", "--memory", "64KiB", &guest("rust-files"), "env"], 1, &["--memory"]);
}

#[test]
fn standard_input_is_the_guests() {
    let place = Place::new();
    // No guest of ours reads it; a guest that does not must not be disturbed.
    let mut child = place.command(&["run", &guest("rust-files"), "exit", "0"]).stdin(Stdio::piped()).spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(b"unread\n");
    assert!(child.wait().unwrap().success());
}

#[test]
fn sync_saves_before_the_guest_goes_on() {
    let place = Place::new();
    let app = guest("rust-files");
    // The guest's tests of fsync pass at either level; what differs is the file.
    place.ok(&["run", "-v", "data.larder::/data:sync", &app, "all", "/data/work", "50"]);
    assert_eq!(place.names(), ["data.larder"]);
}

#[test]
fn the_compilation_cache_is_used_and_can_be_switched_off() {
    let place = Place::new();
    let app = guest("rust-files");
    place.ok(&["run", "--no-cache", &app, "exit", "0"]);
    assert!(place.names().is_empty());
    let cache = place.path("cache");
    let output = place.command(&["run", &app, "exit", "0"]).env("LARDER_CACHE_DIR", &cache).output().unwrap();
    assert!(output.status.success());
    assert!(std::fs::read_dir(&cache).unwrap().count() > 0);
}

#[test]
fn options_behind_the_app_are_the_apps() {
    let place = Place::new();
    let app = guest("rust-files");
    for option in ["--help", "--version", "--volume", "-v"] {
        place.fails(&["run", &app, option], 1, &[&format!("unknown subcommand {option}")]);
    }
    place.fails(&["run", "--volme", "x::/", &app], 2, &["--volme"]);
}

#[test]
fn programs_in_c_and_go_run() {
    let place = Place::new();
    for name in ["c-files", "go-files"] {
        let ran = place.larder(&["run", &guest(name)]);
        assert_eq!(ran.code, 0, "{name}: {} {}", ran.out, ran.err);
    }
}
