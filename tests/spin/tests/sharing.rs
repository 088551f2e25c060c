//! Many clients, two components with reused instances and a command over one
//! volume.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;

use larder_test_spin::{App, Component, Project};
use serde_json::json;

const CLIENTS: u32 = 64;
const ROUNDS: u32 = 20;

#[test]
fn nothing_is_lost_or_mixed() {
    let project = Project::new();
    let mounts = json!([{ "volume": "data", "path": "/data" }]);
    let app = App::new("sharing")
        .volume("data", json!({}))
        .component(Component::guest("seven", "spin-files"))
        .component(Component::guest("two", "http-files").env("FILES_ROOT", "/data"))
        .component(Component::guest("command", "rust-files").env("PAUSE_MS", "0"))
        .trigger(json!({ "component": "seven", "route": "/seven/...", "mounts": mounts }))
        .trigger(json!({ "component": "two", "route": "/...", "mounts": mounts }))
        .trigger(json!({
            "component": "command",
            "kind": "command",
            "args": ["write-loop", "/data/log", "500"],
            "mounts": mounts,
        }));
    let (mut plugin, site) = project.up(&app).serve();
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let site = &site;
            scope.spawn(move || {
                let mut connection = site.connect().unwrap();
                let mut ask = |method: &str, path: &str, body: &str| {
                    connection.request(method, path, &[], body.as_bytes()).unwrap().ok()
                };
                for round in 0..ROUNDS {
                    let line = format!("client {client} round {round} {}", "x".repeat(200));
                    // By either component, and read by the other one.
                    if (client + round) % 2 == 0 {
                        ask("POST", "/seven/append?path=/data/log", &line);
                        ask("PUT", &format!("/file-{client}-{round}"), &line);
                        assert_eq!(ask("GET", &format!("/seven/read?path=/data/file-{client}-{round}"), ""), line);
                    } else {
                        ask("POST", "/log", &format!("{line}\n"));
                        ask("PUT", &format!("/seven/write?path=/data/file-{client}-{round}"), &line);
                        assert_eq!(ask("GET", &format!("/file-{client}-{round}"), ""), line);
                    }
                }
            });
        }
    });
    plugin.wait_for("wrote 500 lines");
    let log = site.get("/log").ok();
    let lines: BTreeSet<&str> = log.lines().collect();
    assert_eq!(log.lines().count(), (CLIENTS * ROUNDS + 500) as usize);
    assert_eq!(lines.len(), (CLIENTS * ROUNDS + 500) as usize, "a line is there twice");
    for line in &lines {
        let whole = line.starts_with("line ") || (line.starts_with("client ") && line.ends_with(&"x".repeat(200)));
        assert!(whole, "{line}");
    }
    // Names and files as they are at the end, also in the next run.
    let names = site.get("/").ok();
    assert_eq!(names.lines().count(), (CLIENTS * ROUNDS + 1) as usize);
    plugin.stop();
    let (_plugin, site) = project.up(&app).serve();
    assert_eq!(site.get("/").ok(), names);
}
