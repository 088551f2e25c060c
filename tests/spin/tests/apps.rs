//! The apps that users begin with, by their own manifests: the example with its
//! page in headless Chromium, and what the template gives.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use larder_test_spin::built::{guests, tool};
use larder_test_spin::{App, Component, Project, until};
use serde_json::Value;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The app of a manifest. `guest` says which guest a component is, by its name.
fn app(manifest: &Path, guest: impl Fn(&str) -> String) -> App {
    let text = std::fs::read_to_string(manifest).unwrap_or_else(|error| panic!("{}: {error}", manifest.display()));
    let manifest: Value = toml::from_str(&text).unwrap();
    let mut app = App::new(manifest["application"]["name"].as_str().unwrap());
    for (key, value) in manifest["application"]["trigger"]["larder"].as_object().unwrap() {
        app = app.setting(key, value.clone());
    }
    for name in manifest["component"].as_object().unwrap().keys() {
        app = app.component(Component::guest(name, &guest(name)));
    }
    let triggers = manifest["trigger"]["larder"].as_array().unwrap();
    triggers.iter().fold(app, |app, trigger| app.trigger(trigger.clone()))
}

fn file_service() -> App {
    let manifest = repository().join("spin-plugin/examples/file-service/spin.toml");
    app(&manifest, |name| format!("example-file-service-{name}"))
}

#[test]
fn the_file_service_in_a_browser() {
    let project = Project::new();
    let (_plugin, site) = project.up(&file_service()).serve();
    let driver = repository().join("tests/platforms/js/file-service.mjs");
    let mut command = Command::new("node");
    command.arg(driver).arg(format!("http://{}/", site.address()));
    for variable in ["LARDER_NODE", "LARDER_CHROMIUM"] {
        command.env(variable, tool(variable));
    }
    let output = command.output().expect("node runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_file_service_after_a_restart() {
    let project = Project::new();
    let (plugin, site) = project.up(&file_service()).serve();
    assert_eq!(site.put("/directories/a%20b", "").status, 201);
    assert_eq!(site.put("/files/a%20b/c.txt", "content").status, 201);
    assert_eq!(site.request("PUT", "/files/a%20b/c.txt", &[("if-none-match", "*")], b"other").status, 412);
    plugin.stop();
    let (plugin, site) = project.up(&file_service()).serve();
    let range = site.request("GET", "/files/a%20b/c.txt", &[("range", "bytes=3-")], b"");
    assert_eq!((range.status, range.text()), (206, "tent".to_owned()));
    plugin.stop();
    // The indexer has looked at them, too.
    let summary = until("the indexer's summary", || {
        let (plugin, _) = project.up(&file_service()).serve();
        std::thread::sleep(std::time::Duration::from_secs(1));
        plugin.stop();
        let output = project.larder(&["cat", ".spin/files.larder:/.index.json"]).output().unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    });
    assert!(summary.contains("\"path\":\"a b/c.txt\""), "{summary}");
}

#[test]
fn what_the_template_gives_counts_on() {
    let project = Project::new();
    // Made by tests/template for the guest.
    let manifest = guests().join("template-larder-rust.toml");
    let app = app(&manifest, str::to_owned);
    let (plugin, site) = project.up(&app).serve();
    assert_eq!(site.get("/").ok(), "visits: 1\n");
    assert_eq!(site.get("/any").ok(), "visits: 2\n");
    plugin.stop();
    assert!(project.join(".spin/data.larder").exists());
    let (_plugin, site) = project.up(&app).serve();
    assert_eq!(site.get("/").ok(), "visits: 3\n");
}
