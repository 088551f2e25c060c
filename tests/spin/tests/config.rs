//! What is wrong with a manifest is told at the start, with the key and help.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use larder_test_spin::{App, Component, Project};
use serde_json::{Value, json};

fn app(project: &Project, volume: Value, trigger: Value) -> larder_test_spin::Ended {
    let mut settings = json!({ "component": "web", "route": "/..." });
    for (key, value) in trigger.as_object().unwrap() {
        settings[key] = value.clone();
    }
    let app =
        App::new("wrong").volume("data", volume).component(Component::guest("web", "http-files")).trigger(settings);
    project.up(&app).refuses(&["help:"])
}

#[test]
fn keys_that_are_not_known_are_named() {
    let project = Project::new();
    let mounts = |mount: Value| json!({ "mounts": [mount] });
    for (volume, trigger, texts) in [
        (json!({ "memroy": true }), json!({}), &["volumes.data] memroy", "did you mean `memory`"][..]),
        (json!({ "limits": { "byte": 1 } }), json!({}), &["limits.byte", "bytes"]),
        (json!({}), json!({ "rout": "/x" }), &["[[trigger.larder]]", "rout", "did you mean `route`"]),
        (json!({}), mounts(json!({ "volume": "data", "path": "/x", "readonly": true })), &["mounts[0]", "readonly"]),
        (json!({}), mounts(json!({ "volume": "date", "path": "/x" })), &["mounts[0]", "date", "did you mean `data`"]),
        (json!({}), json!({ "kind": "cron" }), &["kind", "cron", "command"]),
        (json!({}), json!({ "executor": { "type": "wagi" } }), &["executor"]),
        (json!({}), json!({ "component": "wbe" }), &["component", "wbe", "web"]),
        (json!({}), json!({ "kind": "command" }), &["route"]),
        (json!({}), json!({ "every": "5s" }), &["every"]),
    ] {
        let ended = app(&project, volume, trigger);
        for text in texts {
            assert!(ended.err.contains(text), "`{text}` is not in: {ended}");
        }
    }
    assert!(!project.join(".spin/data.larder").exists(), "nothing was made");
}

#[test]
fn values_that_cannot_be_are_named() {
    let project = Project::new();
    for (volume, texts) in [
        (json!({ "memory": true, "file": "x.larder" }), &["memory", "file"][..]),
        (json!({ "memory": true, "sync": true }), &["sync"]),
        (json!({ "file": "../x.larder" }), &["file", "--state-dir"]),
        (json!({ "file": "/abs/x.larder" }), &["file"]),
        (json!({ "limits": { "bytes": "much" } }), &["limits.bytes"]),
        (json!({ "limits": { "inodes": 0 } }), &["limits.inodes"]),
        (json!({ "s3": "s3://bucket/x?secret-key=hunter2" }), &["s3"]),
        (json!({ "nats": "nats://user:hunter2@host/x" }), &["nats"]),
        (json!("memory"), &["volumes.data"]),
    ] {
        let ended = app(&project, volume, json!({}));
        for text in texts {
            assert!(ended.err.contains(text), "`{text}` is not in: {ended}");
        }
        assert!(!ended.err.contains("hunter2"), "a secret is told: {ended}");
    }
}

#[test]
fn everything_wrong_is_told_at_once() {
    let project = Project::new();
    let mounts = json!([{ "volume": "data", "path": "x" }, { "volume": "data", "path": "/y", "mode": "w" }]);
    let ended = app(&project, json!({ "limits": { "bytes": -1 } }), json!({ "route": "/.../x", "mounts": mounts }));
    for text in ["limits.bytes", "route", "mounts[0]", "mounts[1]"] {
        assert!(ended.err.contains(text), "`{text}` is not in: {ended}");
    }
}

#[test]
fn an_app_without_our_triggers_is_refused() {
    let project = Project::new();
    let app = App::new("none").component(Component::guest("web", "http-files"));
    project.up(&app).refuses(&["[[trigger.larder]]"]);
}

#[test]
fn settings_of_the_app_are_checked() {
    let project = Project::new();
    let app = App::over("http-files", "data", json!({})).setting("volume", json!({}));
    project.up(&app).refuses(&["[application.trigger.larder]", "volume", "did you mean `volumes`"]);
}

/// Older Spins have the settings of the only type in `metadata.trigger` alone.
#[test]
fn settings_are_read_where_they_are() {
    let project = Project::new();
    let app = App::over("http-files", "data", json!({ "limits": { "bytes": "64KiB" } }));
    let legacy = project.up(&app).edit_lock(|lock| {
        lock["metadata"].as_object_mut().unwrap().remove("triggers");
    });
    let (_plugin, site) = legacy.serve();
    // Rust's std is told that there is no space, and calls it an I/O error.
    assert_eq!(site.put("/large", "x".repeat(100_000)).status, 500);
}
