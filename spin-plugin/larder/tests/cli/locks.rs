//! Two processes and one volume file.

use crate::support::{Place, guest};

#[test]
fn a_second_writer_is_told_who_has_the_volume() {
    let place = Place::new();
    let app = guest("rust-files");
    let mut running = place.start(&["run", "-v", "data.larder::/data", &app, "spin", "/data/x", "60"]);
    running.wait_for("ready");

    let texts = ["data.larder is in use by another process", ":ro"];
    place.fails(&["run", "-v", "data.larder::/", &app, "env"], 1, &texts);
    // The file is not saved yet, and its place is taken all the same.
    place.fails(&["cp", "-r", ".", "data.larder:/"], 1, &texts);

    running.signal("TERM");
    running.end();
    place.ok(&["run", "-v", "data.larder::/", &app, "env"]);
    assert_eq!(place.names(), ["data.larder"], "locks are gone");
}

#[test]
fn readers_share_what_was_saved_last() {
    let place = Place::new();
    let app = guest("rust-files");
    place.write("x", "saved\n");
    place.ok(&["cp", "x", "data.larder:/x"]);
    let mut running = place.start(&["run", "-v", "data.larder::/data", &app, "spin", "/data/y", "60"]);
    running.wait_for("ready");
    assert_eq!(place.ok(&["run", "-v", "data.larder::/:ro", &app, "cat", "/x"]).out, "saved\n");
    assert_eq!(place.ok(&["ls", "data.larder"]).out, "x\n");
    running.signal("TERM");
    running.end();
    assert_eq!(place.ok(&["ls", "data.larder"]).out, "x\ny\n");
}

#[test]
fn a_killed_process_leaves_no_lock() {
    let place = Place::new();
    let app = guest("rust-files");
    let mut running = place.start(&["run", "-v", "data.larder::/data", &app, "spin", "/data/y", "60"]);
    running.wait_for("ready");
    running.signal("KILL");
    assert_eq!(running.end().0, -9);
    place.ok(&["run", "-v", "data.larder::/", &app, "env"]);
}

#[test]
fn a_link_to_a_volume_is_the_volume() {
    let place = Place::new();
    let app = guest("rust-files");
    place.ok(&["mkdir", "-p", "real.larder:/"]);
    std::os::unix::fs::symlink("real.larder", place.path("link.larder")).unwrap();
    let mut running = place.start(&["run", "-v", "link.larder::/data", &app, "spin", "/data/y", "60"]);
    running.wait_for("ready");
    place.fails(&["mkdir", "real.larder:/x"], 1, &["in use"]);
    running.signal("INT");
    running.end();
    assert_eq!(place.ok(&["ls", "real.larder"]).out, "y\n");
    assert!(std::fs::symlink_metadata(place.path("link.larder")).unwrap().is_symlink());
}
