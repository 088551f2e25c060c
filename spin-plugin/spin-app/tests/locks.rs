//! Lock files as Spin writes them, through everything that a start asks.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests panic to fail")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use larder_spin_app::config::{Config, MountMode, Schedule, TriggerKind, VolumeKind};
use larder_spin_app::hosts::AllowedHosts;
use larder_spin_app::lock::{Inherit, LockedApp, MIDDLEWARE, SERVICE_CHAINING};
use larder_spin_app::route::{Request, Router, request_headers};
use larder_spin_app::variables::Variables;
use larder_spin_app::{TRIGGER_TYPE, config::Route};

const ALL: [&str; 6] = [
    "spin-4.0.2-local",
    "spin-4.0.2-direct-mounts",
    "spin-4.0.2-one-component",
    "spin-4.0.2-oci",
    "spin-4.0.2-two-types",
    "spin-4.1.0-pre0-local",
];

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/locks").join(format!("{name}.json"))).unwrap()
}

fn app(name: &str) -> LockedApp {
    LockedApp::parse(&bytes(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn environment(name: &str) -> Option<OsString> {
    match name {
        "SPIN_VARIABLE_NEEDED" => Some("yes".into()),
        "SPIN_VARIABLE_API_TOKEN" => Some("hunter2".into()),
        _ => None,
    }
}

#[test]
fn every_file_is_read_to_the_end() {
    for name in ALL {
        let app = app(name);
        let config = Config::read(&app).unwrap_or_else(|problems| panic!("{name}: {problems}"));
        assert_eq!(config.volumes.len(), 2, "{name}");
        assert_eq!(config.triggers.len(), if name == "spin-4.0.2-one-component" { 1 } else { 2 }, "{name}");
        let variables = Variables::resolve(&app.variables, &BTreeMap::new(), environment).unwrap();
        let components: Vec<&str> = app.components.iter().map(|component| component.id.as_str()).collect();
        for component in app.components_of(TRIGGER_TYPE) {
            variables.of_component(&component.id, &component.config).unwrap();
            let hosts = &component.metadata.allowed_outbound_hosts;
            AllowedHosts::parse(&component.id, hosts, &variables, &components).unwrap();
            assert!(component.source.content.path().unwrap().is_absolute());
            for mount in &component.files {
                assert!(mount.content.path().unwrap().is_absolute());
            }
        }
        assert!(!format!("{app:?} {variables:?}").contains("hunter2"));
    }
}

#[test]
fn the_local_app() {
    let app = app("spin-4.0.2-local");
    assert_eq!(app.metadata.name.as_deref(), Some("files"));
    let web = app.component("web").unwrap();
    assert_eq!(
        web.source.content.path(),
        Ok(PathBuf::from("/home/dev/my apps/files/target/wasm32-wasip2/release/web.wasm"))
    );
    assert_eq!(web.env.0.get("B").map(String::as_str), Some("2"));
    assert_eq!(web.dependencies["wasi:filesystem"].inherit, Inherit::Some(vec!["files".into(), "environment".into()]));
    app.check_requirements(TRIGGER_TYPE, &[]).unwrap();

    let config = Config::read(&app).unwrap();
    assert_eq!(config.volumes["data"].kind, VolumeKind::File { path: "data.larder".into(), sync: true });
    assert_eq!(config.volumes["data"].limits.to_string(), "bytes=67108864,inodes=10000");
    assert_eq!(config.volumes["scratch"].kind, VolumeKind::Memory);
    assert_eq!(config.triggers[0].mounts[0].mode, MountMode::ReadOnly);
    let every = Schedule::Every(Duration::from_secs(30));
    assert_eq!(config.triggers[1].kind, TriggerKind::Command { schedule: every, args: vec!["--once".into()] });

    let mut router = Router::new();
    for trigger in &config.triggers {
        if let TriggerKind::Http { route: Route::Public(pattern) } = &trigger.kind {
            router.add(pattern.clone(), trigger.component.as_str()).unwrap();
        }
    }
    let found = router.find("/files/a/b.txt").unwrap();
    assert_eq!(*found.target, "web");
    let request =
        Request { scheme: "http", host: None, path_and_query: "/files/a/b.txt?x", client: "[::1]:9".parse().unwrap() };
    let headers: BTreeMap<String, String> = request_headers(&request, &found)
        .into_iter()
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    assert_eq!(headers["spin-path-info"], "/a/b.txt");
    assert_eq!(headers["spin-full-url"], "http://localhost/files/a/b.txt?x");
    assert_eq!(headers["spin-client-addr"], "[::1]:9");

    let variables = Variables::resolve(&app.variables, &BTreeMap::new(), environment).unwrap();
    let web_variables = variables.of_component("web", &web.config).unwrap();
    assert_eq!(web_variables.get("msg").unwrap().reveal(), "hello-yes");
    let hosts = AllowedHosts::parse("web", &web.metadata.allowed_outbound_hosts, &variables, &[]).unwrap();
    assert!(hosts.allows("http", "hello.example.org", Some(8009)));
    assert!(!hosts.allows("http", "hello.example.org", Some(8010)));
    let missing = Variables::resolve(&app.variables, &BTreeMap::new(), |_| None).unwrap_err();
    assert_eq!(missing.0.len(), 2, "{missing}");
}

#[test]
fn the_app_of_a_registry() {
    let app = app("spin-4.0.2-oci");
    assert_eq!(app.metadata.origin.as_deref(), Some("vnd.fermyon.origin-oci:127.0.0.1:5055/files:v1"));
    let path = app.component("web").unwrap().source.content.path().unwrap();
    assert_eq!(path.file_name().unwrap().to_str().unwrap(), format!("sha256:{}", "3f5a".repeat(16)));
    assert!(app.component("web").unwrap().dependencies.is_empty());
}

#[test]
fn requirements() {
    let unserved = |name: &str, served: &[&str]| -> Vec<String> {
        match app(name).check_requirements(TRIGGER_TYPE, served) {
            Ok(()) => Vec::new(),
            Err(unserved) => unserved.0.into_iter().map(|one| one.name).collect(),
        }
    };
    assert_eq!(unserved("spin-4.1.0-pre0-local", &[]), [SERVICE_CHAINING, MIDDLEWARE]);
    assert_eq!(unserved("spin-4.1.0-pre0-local", &[SERVICE_CHAINING, MIDDLEWARE]), [""; 0]);
    // The other trigger's component needs it, and stale demands need nothing.
    for name in ["spin-4.0.2-two-types", "spin-4.0.2-one-component"] {
        assert_eq!(unserved(name, &[]), [""; 0], "{name}");
    }
}

#[test]
fn directories_are_mounted_as_they_are_named() {
    let app = app("spin-4.0.2-direct-mounts");
    let files: Vec<(PathBuf, &str)> = app
        .component("web")
        .unwrap()
        .files
        .iter()
        .map(|mount| (mount.content.path().unwrap(), mount.path.as_str()))
        .collect();
    assert_eq!(
        files,
        [
            (PathBuf::from("/home/dev/my apps/files/assets"), "/assets"),
            (PathBuf::from("/home/dev/my apps/files/more assets"), "/"),
        ]
    );
}

/// A file that was cut off is an error and no panic.
#[test]
fn cut_files_are_refused() {
    for name in ALL {
        let bytes = bytes(name);
        for end in (0..bytes.len() - 2).step_by(7) {
            assert!(LockedApp::parse(&bytes[..end]).is_err(), "{name} {end}");
        }
    }
}
