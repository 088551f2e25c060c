//! `kind = "command"`: work in the background, over the volumes of the server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::time::{Duration, Instant};

use larder_test_spin::{App, Component, Project, until};
use serde_json::{Value, json};

/// A server over a volume.
fn web() -> App {
    App::over("http-files", "data", json!({}))
}

fn command(component: &str, more: Value) -> Value {
    let mut trigger = json!({
        "component": component,
        "kind": "command",
        "mounts": [{ "volume": "data", "path": "/data" }],
    });
    for (key, value) in more.as_object().unwrap() {
        trigger[key] = value.clone();
    }
    trigger
}

#[test]
fn a_command_and_the_server_share_a_volume() {
    let project = Project::new();
    let app = web()
        .component(Component::guest("writer", "rust-files").env("PAUSE_MS", "1"))
        .trigger(command("writer", json!({ "once": true, "args": ["write-loop", "/data/log", "200"] })));
    let (mut plugin, site) = project.up(&app).serve();
    plugin.wait_for("wrote 200 lines");
    let log = site.get("/log").ok();
    let expected: String = (1..=200).map(|number| format!("line {number}\n")).collect();
    assert_eq!(log, expected);
    plugin.stop();
    // It was run once for each start.
    let (mut plugin, site) = project.up(&app).serve();
    plugin.wait_for("wrote 200 lines");
    assert_eq!(site.get("/log").ok().lines().count(), 400);
}

#[test]
fn a_command_is_run_again_and_again() {
    let project = Project::new();
    let app = web()
        .component(Component::guest("indexer", "rust-files"))
        .trigger(command("indexer", json!({ "every": "200ms", "args": ["write-loop", "/data/log", "1"] })));
    let (plugin, site) = project.up(&app).serve();
    let begun = Instant::now();
    let runs = || site.get("/log").text().lines().count();
    until("five runs", || (runs() >= 5).then_some(()));
    // The first at once, and then one for each interval.
    assert!(begun.elapsed() >= Duration::from_millis(500), "too often");
    let before_end = runs();
    plugin.stop();
    let (_plugin, site) = project.up(&web()).serve();
    let after = site.get("/log").text().lines().count();
    assert!(after >= before_end && after <= before_end + 2, "{before_end}, {after}");
}

/// A run that takes longer than the interval is not run beside itself.
#[test]
fn runs_do_not_overlap() {
    let project = Project::new();
    let app = web()
        .component(Component::guest("slow", "rust-files").env("PAUSE_MS", "60"))
        .trigger(command("slow", json!({ "every": "100ms", "args": ["write-loop", "/data/log", "5"] })));
    let (_plugin, site) = project.up(&app).serve();
    until("twenty lines", || (site.get("/log").text().lines().count() >= 20).then_some(()));
    for (index, line) in site.get("/log").text().lines().enumerate() {
        assert_eq!(line, format!("line {}", index % 5 + 1), "line {index}");
    }
}

#[test]
fn a_failure_is_told_and_the_app_goes_on() {
    let project = Project::new();
    let app = web()
        .component(Component::guest("exits", "rust-files"))
        .component(Component::guest("traps", "rust-files"))
        .trigger(command("exits", json!({ "args": ["exit", "1"] })))
        .trigger(command("traps", json!({ "args": ["trap", "/data/left"] })));
    let (mut plugin, site) = project.up(&app).serve();
    // In any order.
    until("both are told", || {
        let (out, err) = plugin.output();
        let all = out + &err;
        (all.contains("exits ended with exit code 1") && all.contains("traps:")).then_some(())
    });
    assert_eq!(site.get("/left").text(), "written before the trap\n");
    assert_eq!(plugin.stop().code, 0);
}

#[test]
fn an_app_of_commands_ends_with_them() {
    let project = Project::new();
    let app = |arguments: &[&str]| {
        App::new("batch")
            .volume("data", json!({}))
            .component(Component::guest("batch", "rust-files"))
            .trigger(command("batch", json!({ "args": arguments })))
    };
    let ended = project.up(&app(&["write-loop", "/data/log", "3"])).ends();
    assert_eq!(ended.code, 0, "{ended}");
    assert!(!ended.out.contains("Serving"), "{ended}");
    // It is there, and told by the exit code when it failed.
    let ended = project.up(&app(&["cat", "/data/log"])).ends();
    assert_eq!((ended.code, ended.out.contains("line 3")), (0, true), "{ended}");
    let ended = project.up(&app(&["cat", "/data/none"])).ends();
    assert_eq!(ended.code, 1, "{ended}");
}

#[test]
fn a_command_ends_with_the_app() {
    let project = Project::new();
    let app = web()
        .component(Component::guest("sleeper", "rust-files"))
        .trigger(command("sleeper", json!({ "args": ["spin", "/data/begun", "600"] })));
    let (mut plugin, _site) = project.up(&app).serve();
    plugin.wait_for("ready");
    let begun = Instant::now();
    plugin.stop();
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    let (_plugin, site) = project.up(&web()).serve();
    assert_eq!(site.get("/begun").text(), "written before the wait\n");
}

#[test]
fn arguments_follow_the_program() {
    let project = Project::new();
    let app = web()
        .component(Component::guest("cat", "rust-files").env("A", "1"))
        .trigger(command("cat", json!({ "args": ["cat", "/data/a file with -- spaces"], "every": "300ms" })));
    let (mut plugin, site) = project.up(&app).serve();
    site.put("/a%20file%20with%20--%20spaces", "its content\n").ok();
    plugin.wait_for("its content");
}
