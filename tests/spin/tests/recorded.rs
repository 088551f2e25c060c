//! The recorded lock files of `spin-plugin/spin-app/tests/locks`, of both
//! versions of Spin, run: with guests and directories that are there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use larder_test_spin::app::url;
use larder_test_spin::{App, Plugin, Project, Up, built};
use serde_json::Value;

fn recorded(name: &str) -> Value {
    let locks = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spin-plugin/spin-app/tests/locks");
    serde_json::from_slice(&std::fs::read(locks.join(format!("{name}.json"))).unwrap()).unwrap()
}

/// What stands for a file of whoever recorded it.
fn stand_in(project: &Project, recorded: &str) -> Option<PathBuf> {
    let name = recorded.strip_prefix("file:///")?.rsplit('/').next()?;
    Some(match name {
        "web.wasm" | "auth.wasm" | "fsadapt2.wasm" | "home.wasm" => built::guest("spin-files.wasm"),
        "indexer.wasm" => built::guest("rust-files.wasm"),
        "web" | "assets" => {
            project.write("assets/hello.txt", "hello");
            project.join("assets")
        }
        "more%20assets" => {
            project.write("more assets/more.txt", "more");
            project.join("more assets")
        }
        "spin.toml" => project.join("spin.toml"),
        // As in Spin's cache.
        digest if digest.starts_with("sha256:") => {
            let guest = if digest.starts_with("sha256:3f") { "spin-files.wasm" } else { "rust-files.wasm" };
            let path = project.elsewhere("registry/wasm").join(digest);
            std::fs::copy(built::guest(guest), &path).unwrap();
            path
        }
        other => panic!("nothing stands for {other}"),
    })
}

fn replace(value: &mut Value, project: &Project) {
    match value {
        Value::String(text) => {
            if let Some(path) = stand_in(project, text) {
                *text = url(&path);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| replace(value, project)),
        Value::Object(members) => members.values_mut().for_each(|value| replace(value, project)),
        _ => {}
    }
}

/// `spin up` of a recorded app, with values for its variables.
fn up<'p>(project: &'p Project, lock: &Value) -> Up<'p> {
    let up = project.up(&App::new("recorded")).lock_file(lock.clone());
    up.env("SPIN_VARIABLE_NEEDED", "yes").env("SPIN_VARIABLE_API_TOKEN", "hunter2")
}

/// Takes out what this version of Larder does not compose, after it was
/// refused.
fn composed(project: &Project, name: &str) -> Value {
    let mut lock = recorded(name);
    replace(&mut lock, project);
    for index in 0..lock["triggers"].as_array().unwrap().len() {
        if lock["triggers"][index].get("trigger_dependencies").is_some() {
            up(project, &lock).refuses(&["middleware"]);
            lock["triggers"][index].as_object_mut().unwrap().remove("trigger_dependencies");
        }
    }
    for index in 0..lock["components"].as_array().unwrap().len() {
        if lock["components"][index].get("dependencies").is_some() {
            up(project, &lock).refuses(&["dependencies", "wasi:filesystem"]);
            lock["components"][index].as_object_mut().unwrap().remove("dependencies");
        }
    }
    lock
}

/// The server answers, and the command was run: it does not know `--once`.
fn works(plugin: &mut Plugin, files: &[(&str, &str)]) {
    let site = plugin.site();
    for (path, content) in files {
        assert_eq!(site.get(&format!("/files/read?path={path}")).text(), *content, "{path}");
    }
    assert_eq!(site.get("/files/env?name=B").text(), "2\n");
    assert_eq!(site.put("/files/write?path=/data/x", "x").status, 500, "it is read-only");
    plugin.wait_for("indexer ended with exit code 1");
}

#[test]
fn local_apps_of_both_versions() {
    for name in ["spin-4.0.2-local", "spin-4.1.0-pre0-local", "spin-4.0.2-two-types"] {
        let project = Project::new();
        let lock = composed(&project, name);
        let mut plugin = up(&project, &lock).start();
        works(&mut plugin, &[("/hello.txt", "hello")]);
        let ended = plugin.stop();
        assert!(!format!("{ended}").contains("hunter2"), "{name}: {ended}");
        assert!(project.join(".spin/data.larder").is_file(), "{name}");
        // Without a value for the variables.
        up(&project, &lock).without_env("SPIN_VARIABLE_NEEDED").refuses(&["SPIN_VARIABLE_NEEDED"]);
    }
}

#[test]
fn an_app_with_direct_mounts() {
    let project = Project::new();
    let lock = composed(&project, "spin-4.0.2-direct-mounts");
    let mut plugin = up(&project, &lock).start();
    works(&mut plugin, &[("/assets/hello.txt", "hello"), ("/more.txt", "more")]);
    plugin.stop();
}

#[test]
fn an_app_of_a_registry() {
    let project = Project::new();
    let lock = composed(&project, "spin-4.0.2-oci");
    up(&project, &lock).local_app_dir(None).refuses(&["--state-dir"]);
    let state = project.elsewhere("state");
    let registry = up(&project, &lock).local_app_dir(None).args(&["--state-dir", state.to_str().unwrap()]);
    let mut plugin = registry.start();
    works(&mut plugin, &[("/hello.txt", "hello")]);
    plugin.stop();
    assert!(state.join("data.larder").is_file() && !project.join(".spin").exists());
}

/// `spin up -c indexer`: a command alone, again and again.
#[test]
fn an_app_of_one_component() {
    let project = Project::new();
    let lock = composed(&project, "spin-4.0.2-one-component");
    let mut plugin = up(&project, &lock).local_app_dir(Some(OsStr::new(""))).start();
    plugin.wait_for("indexer ended with exit code 1");
    plugin.signal("TERM");
    let ended = plugin.ends();
    assert!(!ended.out.contains("Serving") && ended.code >= 0, "{ended}");
}
