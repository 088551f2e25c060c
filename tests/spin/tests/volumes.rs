//! Volumes: where they are kept, who shares them, and who may write.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::ffi::OsStr;
use std::path::Path;

use larder_test_spin::{App, Component, Project, until};
use serde_json::{Value, json};

fn app(settings: Value) -> App {
    App::over("http-files", "data", settings)
}

/// One component behind two routes, over the same volume in two ways.
fn two(first: Value, second: Value) -> App {
    App::new("two")
        .volume("data", json!({}))
        .component(Component::guest("one", "http-files").env("FILES_ROOT", "/data"))
        .component(Component::guest("two", "spin-files"))
        .trigger(json!({ "component": "one", "route": "/...", "mounts": [first] }))
        .trigger(json!({ "component": "two", "route": "/two/...", "mounts": [second] }))
}

#[test]
fn a_volume_outlives_the_run() {
    let project = Project::new();
    let content = "x".repeat(300_000);
    for version in 0..3 {
        let (plugin, site) = project.up(&app(json!({}))).serve();
        if version > 0 {
            assert_eq!(site.get("/dir/large").text(), content);
            assert_eq!(site.get("/version").text(), format!("{}", version - 1));
        }
        site.put("/dir/large", &content).ok();
        site.put("/version", version.to_string()).ok();
        plugin.stop();
    }
    // The command works on it at rest.
    let file = project.join(".spin/data.larder");
    let listed = project.larder(&["ls", file.to_str().unwrap()]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&listed.stdout), "dir\nversion\n");
}

#[test]
fn a_volume_in_memory_does_not() {
    let project = Project::new();
    let app = app(json!({ "memory": true }));
    let (plugin, site) = project.up(&app).serve();
    site.put("/x", "gone soon").ok();
    assert_eq!(site.get("/x").text(), "gone soon");
    plugin.stop();
    let (_plugin, site) = project.up(&app).serve();
    assert_eq!(site.get("/x").status, 404);
    assert!(!project.join(".spin/data.larder").exists());
}

#[test]
fn components_share_a_volume() {
    let project = Project::new();
    let whole = json!({ "volume": "data", "path": "/data" });
    let (_plugin, site) = project.up(&two(whole.clone(), whole)).serve();
    site.put("/from-one", "1").ok();
    assert_eq!(site.get("/two/read?path=/data/from-one").text(), "1");
    site.put("/two/write?path=/data/from-two", "2").ok();
    assert_eq!(site.get("/from-two").text(), "2");
    // Lines of both never mix.
    std::thread::scope(|scope| {
        for client in 0..16 {
            let site = &site;
            scope.spawn(move || {
                for line in 0..10 {
                    let line = format!("{client} {line} {}", "x".repeat(100));
                    if client % 2 == 0 {
                        site.post("/log", format!("{line}\n")).ok();
                    } else {
                        site.post("/two/append?path=/data/log", line).ok();
                    }
                }
            });
        }
    });
    let log = site.get("/log").text();
    assert_eq!(log.lines().count(), 160);
    for line in log.lines() {
        let words: Vec<_> = line.split(' ').collect();
        assert!(words.len() == 3 && words[2] == "x".repeat(100), "{line}");
    }
}

#[test]
fn a_read_only_mount_cannot_be_written() {
    let project = Project::new();
    let (_plugin, site) = project
        .up(&two(
            json!({ "volume": "data", "path": "/data", "mode": "rw" }),
            json!({ "volume": "data", "path": "/data", "mode": "ro" }),
        ))
        .serve();
    site.put("/x", "1").ok();
    assert_eq!(site.get("/two/read?path=/data/x").text(), "1");
    for (method, path) in
        [("PUT", "/two/write?path=/data/x"), ("PUT", "/two/write?path=/data/y"), ("POST", "/two/append?path=/data/x")]
    {
        let refused = site.request(method, path, &[], b"2");
        assert_eq!(refused.status, 500, "{refused:?}");
    }
    assert_eq!(site.get("/").text(), "x\n");
    assert_eq!(site.get("/x").text(), "1");
}

#[test]
fn a_subdirectory_is_all_that_is_seen() {
    let project = Project::new();
    let (_plugin, site) = project
        .up(&two(
            json!({ "volume": "data", "path": "/data" }),
            json!({ "volume": "data", "path": "/public", "subdir": "site/public" }),
        ))
        .serve();
    site.put("/secret", "secret").ok();
    site.put("/two/write?path=/public/x", "1").ok();
    assert_eq!(site.get("/site/public/x").text(), "1");
    assert_eq!(site.get("/two/list?path=/public").text(), "x\n");
    for path in ["/public/../secret", "/public/../../secret", "/secret", "/data/secret"] {
        let answer = site.get(&format!("/two/read?path={path}"));
        assert!(answer.status >= 400 && answer.text() != "secret", "{path}: {answer:?}");
    }
}

#[test]
fn limits_are_kept() {
    let project = Project::new();
    let (_plugin, site) = project.up(&app(json!({ "limits": { "bytes": "64KiB", "name-bytes": 30 } }))).serve();
    site.put("/small", "x".repeat(1000)).ok();
    // Rust's std is told that there is no space, and calls it an I/O error.
    assert_eq!(site.put("/large", "x".repeat(100_000)).status, 500);
    assert_eq!(site.get("/").text(), "small\n");
    assert!(site.post(&format!("/{}", "n".repeat(31)), "x").status >= 400);
}

/// Where `.spin` is: beside the manifest, however the user named it.
#[test]
fn the_state_directory_follows_the_manifest() {
    let project = Project::new();
    let above = project.above().to_owned();
    let inside = project.join("inside");
    std::fs::create_dir(&inside).unwrap();
    let absolute = project.path().as_os_str().to_owned();
    let ways: [(&OsStr, &Path); 4] = [
        // In the app's directory; `-f` with it from above; with `..`; absolute.
        (OsStr::new(""), project.path()),
        (project.path().file_name().unwrap(), &above),
        (OsStr::new(".."), &inside),
        (&absolute, &above),
    ];
    for (index, (given, here)) in ways.into_iter().enumerate() {
        let (plugin, site) = project.up(&app(json!({}))).local_app_dir(Some(given)).current_dir(here).serve();
        if index > 0 {
            assert_eq!(site.get("/x").text(), format!("{}", index - 1), "{}", given.display());
        }
        site.put("/x", index.to_string()).ok();
        plugin.stop();
    }
    assert!(project.join(".spin/data.larder").is_file());
    assert!(!inside.join(".spin").exists() && !above.join(".spin").exists());
}

#[test]
fn the_state_directory_can_be_chosen() {
    let project = Project::new();
    let elsewhere = project.elsewhere("state");
    let (plugin, site) = project.up(&app(json!({}))).args(&["--state-dir", elsewhere.to_str().unwrap()]).serve();
    site.put("/x", "1").ok();
    plugin.stop();
    assert!(elsewhere.join("data.larder").is_file());
    assert!(!project.join(".spin").exists());

    // A relative one begins where the user is.
    let (plugin, site) =
        project.up(&app(json!({ "file": "deep/down.larder" }))).args(&["--state-dir", "my state"]).serve();
    site.put("/x", "1").ok();
    plugin.stop();
    assert!(project.join("my state/deep/down.larder").is_file());

    // The runtime configuration file says it, and the flag goes before it.
    let config = project.write("runtime-config.toml", "state_dir = \"by config\"\n");
    let by_config = || project.up(&app(json!({}))).env("RUNTIME_CONFIG_FILE", &config);
    let (plugin, site) = by_config().serve();
    site.put("/x", "1").ok();
    plugin.stop();
    assert!(project.join("by config/data.larder").is_file());
    let (_plugin, site) = by_config().args(&["--state-dir", elsewhere.to_str().unwrap()]).serve();
    assert_eq!(site.get("/x").text(), "1");
}

/// An app from a registry has no directory.
#[test]
fn without_a_state_directory_there_are_no_files() {
    let project = Project::new();
    let registry = |settings: Value| project.up(&app(settings)).local_app_dir(None);
    registry(json!({})).refuses(&["data", "--state-dir"]);
    let (_plugin, site) = registry(json!({ "memory": true })).serve();
    site.put("/x", "1").ok();
    let elsewhere = project.elsewhere("state");
    let (plugin, site) = registry(json!({})).args(&["--state-dir", elsewhere.to_str().unwrap()]).serve();
    site.put("/x", "1").ok();
    plugin.stop();
    assert!(elsewhere.join("data.larder").is_file());
    assert!(!project.join(".spin").exists());
}

#[test]
fn one_process_writes_a_volume_at_a_time() {
    let project = Project::new();
    let (first, site) = project.up(&app(json!({}))).serve();
    site.put("/x", "by the first").ok();
    let holder = first.id().to_string();
    project.up(&app(json!({}))).refuses(&["data.larder", &holder]);
    // Also one that only has the file by another name of the volume.
    project.up(&App::over("http-files", "other", json!({ "file": "data.larder" }))).refuses(&["data.larder"]);
    assert_eq!(site.get("/x").text(), "by the first");
    first.stop();
    let (_second, site) = project.up(&app(json!({}))).serve();
    assert_eq!(site.get("/x").text(), "by the first");
}

/// `spin watch` starts the next one when the former has ended.
#[test]
fn a_killed_process_locks_nobody_out() {
    let project = Project::new();
    let (first, site) = project.up(&app(json!({ "sync": true }))).serve();
    site.put("/kept?sync", "synced").ok();
    first.signal("KILL");
    assert_eq!(first.ends().code, -9);
    let (_second, site) = project.up(&app(json!({ "sync": true }))).serve();
    assert_eq!(site.get("/kept").text(), "synced");
}

/// Without `sync` it is saved in the background as well: a crash loses what was
/// written last, and not a day's work.
#[test]
fn a_volume_is_saved_now_and_then() {
    let project = Project::new();
    let (first, site) = project.up(&app(json!({}))).serve();
    site.put("/kept", "some time ago").ok();
    let file = project.join(".spin/data.larder");
    until("the volume is saved", || {
        let listed = project.larder(&["cat", &format!("{}:/kept", file.display())]).output().unwrap();
        (listed.stdout == b"some time ago").then_some(())
    });
    first.signal("KILL");
    let _ = first.ends();
    let (_second, site) = project.up(&app(json!({}))).serve();
    assert_eq!(site.get("/kept").text(), "some time ago");
}

#[test]
fn a_damaged_volume_is_refused_and_left_alone() {
    let project = Project::new();
    project.write(".spin/data.larder", "this is no volume");
    project.up(&app(json!({}))).refuses(&["data.larder"]);
    assert_eq!(project.read(".spin/data.larder"), "this is no volume");
}
