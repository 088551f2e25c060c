//! `--copy-in` and `--copy-out`.

use crate::support::{Place, guest};

#[test]
fn directories_are_merged_and_files_named() {
    let place = Place::new();
    let app = guest("rust-files");
    place.write("in/a", "a\n");
    place.write("in/sub/b", "b\n");
    let copies =
        ["--copy-in", "in::/x/y", "--copy-in", "in/a::/z/", "--copy-out", "/x/y::out", "--copy-out", "/z/a::named"];
    let all: Vec<&str> = ["run"].iter().chain(&copies).copied().chain([app.as_str(), "cat", "/x/y/sub/b"]).collect();
    assert_eq!(place.ok(&all).out, "b\n");
    assert_eq!(place.read("out/sub/b"), "b\n");
    assert_eq!(place.read("named"), "a\n");
}

#[test]
fn copies_go_to_the_innermost_mount() {
    let place = Place::new();
    let app = guest("rust-files");
    place.write("x", "x\n");
    place.ok(&["run", "-v", "a.larder::/", "-v", "b.larder::/data", "--copy-in", "x::/data/x", &app, "cat", "/data/x"]);
    assert_eq!(place.ok(&["ls", "b.larder"]).out, "x\n");
    assert_eq!(place.ok(&["ls", "a.larder"]).out, "");
    place.fails(&["run", "-v", "b.larder::/data", "--copy-in", "x::/other/x", &app, "env"], 1, &["/other/x", "/data"]);
}

#[test]
fn a_read_only_mount_can_be_filled_by_the_operator_unless_that_is_lost() {
    let place = Place::new();
    let app = guest("rust-files");
    place.write("x", "x\n");
    assert_eq!(place.ok(&["run", "-v", "m::/m:ro", "--copy-in", "x::/m/x", &app, "cat", "/m/x"]).out, "x\n");
    place.ok(&["mkdir", "-p", "data.larder:/"]);
    let run = ["run", "-v", "data.larder::/m:ro", "--copy-in", "x::/m/x", &app, "cat", "/m/x"];
    place.fails(&run, 1, &["data.larder", ":ro"]);
}

#[test]
fn copies_out_happen_also_after_a_trap_and_fail_aloud() {
    let place = Place::new();
    let app = guest("rust-files");
    place.fails(&["run", "--copy-out", "/x::x", &app, "trap", "/x"], 134, &[]);
    assert_eq!(place.read("x"), "written before the trap\n");
    place.fails(&["run", "--copy-out", "/none::y", &app, "env"], 1, &["/none"]);
    place.fails(&["run", "--copy-in", "none::/x", &app, "env"], 1, &["none"]);
}
