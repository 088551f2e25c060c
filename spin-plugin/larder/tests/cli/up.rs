//! `larder up`: several apps over shared volumes.

use std::time::Duration;

use crate::serve::{get, port_of};
use crate::support::{Place, guest};

fn sharing(lines: u32, follow: u32) -> String {
    let app = guest("rust-files");
    format!(
        r#"
[volumes.data]
file = "data.larder"

[[app]]
name = "writer"
wasm = "{app}"
args = ["write-loop", "/out/log", "{lines}"]
mounts = [{{ volume = "data", path = "/out", subdir = "shared" }}]

[[app]]
name = "reader"
wasm = "{app}"
args = ["follow", "/in/log", "{follow}"]
env = {{ FOLLOW_SECONDS = "3" }}
mounts = [{{ volume = "data", path = "/in", subdir = "/shared", mode = "ro" }}]
"#
    )
}

#[test]
fn one_app_writes_while_another_reads() {
    let place = Place::new();
    place.write("apps.toml", sharing(200, 200));
    let ran = place.ok(&["up", "apps.toml"]);
    assert!(ran.out.contains("writer | rust-files: wrote 200 lines\n"), "{}", ran.out);
    assert!(ran.out.contains("reader | rust-files: saw 200 lines in "), "{}", ran.out);
    assert_eq!(place.ok(&["cat", "data.larder:/shared/log"]).out.lines().count(), 200);
}

#[test]
fn an_app_that_fails_is_named_and_the_rest_is_saved() {
    let place = Place::new();
    place.write("apps.toml", sharing(10, 11));
    let ran = place.fails(
        &["up", "apps.toml"],
        1,
        &["reader | rust-files: only 10 of 11 lines came", "reader ended with exit code 1"],
    );
    assert!(ran.out.contains("writer | "), "{}", ran.out);
    assert_eq!(place.ok(&["cat", "data.larder:/shared/log"]).out.lines().count(), 10);
}

#[test]
fn a_signal_stops_all_and_saves() {
    let place = Place::new();
    place.write("apps.toml", sharing(1_000_000, 1_000_000));
    let mut running = place.start(&["up", "apps.toml"]);
    // Nothing is printed until the end: wait for the lock, then for some lines.
    while !place.path("data.larder.lock").exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_secs(5));
    running.signal("INT");
    running.wait_for("writer was stopped");
    assert_eq!(running.end().0, 130);
    assert!(place.ok(&["cat", "data.larder:/shared/log"]).out.starts_with("line 1\nline 2\n"));
}

#[test]
fn what_is_wrong_in_the_file_is_named_with_its_line() {
    let place = Place::new();
    let app = guest("rust-files");
    place.write("apps.toml", format!("[[app]]\nname = \"a\"\nwasm = \"{app}\"\nargz = []\n"));
    place.fails(&["up", "apps.toml"], 1, &["apps.toml", "line 4", "unknown field `argz`"]);
    place.write("apps.toml", "[[app]]\nname = \"a\"\nwasm = \"none.wasm\"\n");
    place.fails(&["up", "apps.toml"], 1, &["app `a`", "none.wasm"]);
    place.write("apps.toml", format!("[[app]]\nname = \"a\"\nwasm = \"{app}\"\nlisten = \"127.0.0.1:0\"\n"));
    place.fails(&["up", "apps.toml"], 1, &["app `a`", "is a command"]);
    place.fails(&["up", "none.toml"], 1, &["none.toml", "check the path"]);
}

#[test]
fn a_server_and_a_command_share_a_volume() {
    let place = Place::new();
    let (app, http) = (guest("rust-files"), guest("http-files"));
    place.write(
        "apps.toml",
        format!(
            r#"
[volumes.data]
limits = {{ bytes = "16MiB" }}
[[app]]
name = "writer"
wasm = "{app}"
args = ["write-loop", "/log", "20"]
mounts = [{{ volume = "data", path = "/" }}]
[[app]]
name = "web"
wasm = "{http}"
mounts = [{{ volume = "data", path = "/", mode = "ro" }}]
listen = "127.0.0.1:0"
"#
        ),
    );
    let mut running = place.start(&["up", "apps.toml"]);
    let port = port_of(&running.wait_for("web | Serving http://127.0.0.1:"));
    running.wait_for("writer | rust-files: wrote 20 lines");
    assert_eq!(get(port, "/log").1.lines().count(), 20);
    running.signal("TERM");
    assert_eq!(running.end().0, 0);
}
