//! The file commands on volumes of a Spin app, which runs and which does not.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::{Place, Running, guest};

/// A directory with an app whose one command writes `/data/x` and waits.
struct App {
    place: Place,
}

impl App {
    /// With a volume in a file, one in memory, one that is only read, and one
    /// over NATS.
    fn new() -> Self {
        let volumes = json!({
            "data": { "limits": { "bytes": "64MiB", "inodes": 1000 }, "sync": true },
            "scratch": { "memory": true },
            "fixed": {},
            "far": { "nats": "nats://127.0.0.1:1/far" },
        });
        let mounts = json!([
            { "volume": "data", "path": "/data" },
            { "volume": "scratch", "path": "/scratch" },
            { "volume": "fixed", "path": "/fixed", "mode": "ro" },
        ]);
        let app = Self::with(&volumes, &mounts);
        app.place.ok(&["mkdir", "-p", ".spin/fixed.larder:/there"]);
        app
    }

    fn with(volumes: &serde_json::Value, mounts: &serde_json::Value) -> Self {
        let place = Place::new();
        let lock = json!({
            "spin_lock_version": 0,
            "metadata": {
                "name": "files",
                "origin": format!("file://{}/spin.toml", place.path("").display()),
                "triggers": { "larder": { "volumes": volumes } },
            },
            "triggers": [{
                "id": "one",
                "trigger_type": "larder",
                "trigger_config": {
                    "kind": "command",
                    "component": "writer",
                    "args": ["spin", "/data/x", "60"],
                    "mounts": mounts,
                },
            }],
            "components": [{
                "id": "writer",
                "metadata": {},
                "source": { "content_type": "application/wasm", "source": format!("file://{}", guest("rust-files")) },
            }],
        });
        place.write("spin.lock", serde_json::to_vec_pretty(&lock).unwrap());
        std::fs::create_dir_all(place.path(".spin")).unwrap();
        Self { place }
    }

    /// As `spin up` starts it, and waits until it wrote its file.
    fn start(&self, flags: &[&str]) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_larder"));
        command
            .arg0("trigger-larder")
            .args(flags)
            .current_dir(self.place.path(""))
            .env("SPIN_LOCKED_URL", format!("file://{}", self.place.path("spin.lock").display()))
            .env("SPIN_WORKING_DIR", self.place.path(""))
            .env("SPIN_LOCAL_APP_DIR", "")
            .env("LARDER_LOG", "larder=info")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut running = Running::new(command.spawn().unwrap());
        running.wait_for("ready");
        running
    }
}

fn end(app: Running) {
    app.signal("TERM");
    let (code, out) = app.end();
    assert_eq!(code, 0, "{out}");
}

#[test]
fn commands_work_on_the_volumes_of_an_app_that_runs() {
    let app = App::new();
    let place = &app.place;
    place.write("site/index.html", "<p>hello</p>\n");
    place.write("site/css/main.css", "p {}\n");
    let running = app.start(&[]);
    let mode = std::fs::metadata(place.path(".spin/larder.sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    assert_eq!(place.ok(&["ls", "spin:data"]).out, "x\n");
    place.ok(&["cp", "-r", "site", "spin:data:/"]);
    place.ok(&["cp", "site/index.html", "spin:data:/site/copy"]);
    assert_eq!(place.ok(&["cat", "spin:data:/site/copy", "spin:data:/site/css/main.css"]).out, "<p>hello</p>\np {}\n");
    place.ok(&["cp", "-r", "spin:data:/site", "back"]);
    assert_eq!(place.read("back/css/main.css"), "p {}\n");
    place.ok(&["mkdir", "-p", "spin:data:/a/b"]);
    place.ok(&["rm", "-r", "spin:data:/site/css"]);
    let tree = place.ok(&["tree", "spin:data"]).out;
    assert!(tree.starts_with("spin:data:/\n├── a\n│   └── b\n├── site\n"), "{tree}");
    assert_eq!(place.json(&["stat", "--json", "spin:data:/site/copy"])[0]["size"], 13);

    // The volumes are the app's, with its limits; one in memory, too.
    let df = place.json(&["df", "--json", "spin:data", "spin:scratch"]);
    assert_eq!((&df[0]["bytes_limit"], &df[0]["inodes_limit"]), (&(64 << 20).into(), &1000.into()));
    assert_eq!((&df[0]["inodes"], &df[1]["inodes"]), (&7.into(), &1.into()));
    place.ok(&["import", "site", "spin:scratch:/in"]);
    place.ok(&["cp", "-r", "spin:scratch:/in/css", "spin:data:/from-memory"]);
    place.ok(&["export", "spin:scratch:/in", "out"]);
    assert_eq!(place.read("out/index.html"), "<p>hello</p>\n");
    place.ok(&["cp", "-r", "spin:data:/from-memory", "backup.larder:/"]);
    assert_eq!(place.ok(&["cat", "backup.larder:/from-memory/main.css"]).out, "p {}\n");
    // With `sync`, what a command changed is in the file when it ends.
    assert_eq!(place.ok(&["ls", ".spin/data.larder:/from-memory"]).out, "main.css\n");

    let state = place.path(".spin").into_os_string().into_string().unwrap();
    let elsewhere = Place::new();
    assert_eq!(elsewhere.ok(&["ls", "--state-dir", &state, "spin:scratch"]).out, "in\n");
    end(running);
    assert!(!place.path(".spin/larder.sock").exists());
}

#[test]
fn what_is_not_there_is_named() {
    let app = App::new();
    let place = &app.place;
    place.fails(&["ls", "spin:data"], 1, &["spin:data: no app runs", ".spin/data.larder", "--state-dir"]);
    place.write("x", "x");
    // Nothing is made that the app may not look for.
    place.fails(&["cp", "x", "spin:dta:/"], 1, &["no app runs"]);
    place.fails(&["ls", "spin:da.ta"], 2, &["spin:VOLUME:/PATH"]);
    let running = app.start(&[]);
    place.fails(&["ls", "spin:dta"], 1, &["no volume `dta`", "data, fixed, scratch", ".spin"]);
    place.fails(&["ls", "spin:far"], 1, &["nats://127.0.0.1:1/far"]);
    assert_eq!(place.ok(&["ls", "spin:fixed"]).out, "there\n");
    place.fails(&["mkdir", "spin:fixed:/x"], 1, &["only reads spin:fixed", "at rest"]);
    place.fails(&["cp", "--limit", "bytes=1MiB", "x", "spin:data:/"], 1, &["--limit", "the app"]);
    place.fails(&["cat", "spin:data:/none"], 1, &["spin:data:/none", "no-entry"]);
    place.fails(&["run", "-v", "spin:data::/", "x.wasm"], 2, &["file commands"]);
    place.fails(&["cp", "x", ".spin/data.larder:/"], 1, &["in use"]);
    end(running);
    place.fails(&["ls", "spin:scratch"], 1, &["no app runs"]);
}

#[test]
fn commands_work_on_the_file_of_an_app_at_rest() {
    let app = App::new();
    let place = &app.place;
    end(app.start(&[]));
    assert_eq!(place.ok(&["ls", "spin:data"]).out, "x\n");
    place.write("more", "more\n");
    place.ok(&["cp", "more", "spin:data:/"]);
    place.ok(&["mkdir", "spin:fixed:/x"]);
    assert_eq!(place.ok(&["cat", ".spin/data.larder:/more"]).out, "more\n");
    let df = place.json(&["df", "--json", "spin:data"]);
    assert!(df[0]["file_size"].as_u64().unwrap() > 0, "{df}");

    // One that is killed leaves its socket, which the next one replaces.
    let killed = app.start(&[]);
    killed.signal("KILL");
    assert_eq!(killed.end().0, -9);
    assert!(place.path(".spin/larder.sock").exists());
    assert_eq!(place.ok(&["ls", "spin:data"]).out, "more\nx\n");
    let running = app.start(&[]);
    place.ok(&["rm", "spin:data:/more"]);
    assert_eq!(place.ok(&["ls", "spin:data", "spin:fixed"]).out, "spin:data:/:\nx\n\nspin:fixed:/:\nthere\nx\n");
    end(running);
    assert_eq!(place.ok(&["ls", "spin:data"]).out, "x\n");
}

#[test]
fn an_app_runs_without_a_socket_where_there_can_be_none() {
    let memory = json!({ "data": { "memory": true } });
    let app = App::with(&memory, &json!([{ "volume": "data", "path": "/data" }]));
    let place = &app.place;
    let first = app.start(&[]);
    place.write("first", "first");
    place.ok(&["cp", "first", "spin:data:/"]);

    // The other one's stays.
    let second = app.start(&[]);
    assert_eq!(place.ok(&["ls", "spin:data"]).out, "first\nx\n");
    second.signal("TERM");
    let (code, out) = second.end();
    assert!(code == 0 && out.contains("another process"), "{code} {out}");
    assert_eq!(place.ok(&["ls", "spin:data"]).out, "first\nx\n");
    end(first);

    let long = "x".repeat(120);
    let running = app.start(&["--state-dir", &long]);
    running.signal("TERM");
    let (code, out) = running.end();
    assert!(code == 0 && out.contains("too long"), "{code} {out}");
    place.fails(&["ls", "--state-dir", &long, "spin:data"], 1, &["no app runs"]);
}
