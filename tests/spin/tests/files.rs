//! A component's `files`: there, and read-only.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use larder_test_spin::{App, Component, Project, Site};
use serde_json::{Value, json};

fn app(project: &Project, mounts: Value) -> App {
    project.write("assets/hello.txt", "hello");
    project.write("assets/sub/deep/x.txt", "deep");
    project.write("more/100% blue.txt", "blue");
    let web =
        Component::guest("web", "http-files").files(&project.join("assets"), "/").files(&project.join("more"), "/more");
    App::new("files").component(web).trigger(json!({ "component": "web", "route": "/...", "mounts": mounts }))
}

/// Whatever would change something is refused, and nothing has changed.
fn refuses_changes(site: &Site) {
    for (method, path) in [
        ("PUT", "/hello.txt"),
        ("PUT", "/new.txt"),
        ("PUT", "/new/dir/x.txt"),
        ("POST", "/hello.txt"),
        ("POST", "/new.txt"),
        ("DELETE", "/hello.txt"),
        ("DELETE", "/sub"),
    ] {
        let refused = site.request(method, path, &[], b"changed");
        // EROFS, EPERM or ENOTCAPABLE, where the app looks.
        assert_eq!(refused.status, 403, "{method} {path}: {refused:?}");
    }
    assert_eq!(site.get("/hello.txt").text(), "hello");
    assert_eq!(site.get("/new.txt").status, 404);
}

#[test]
fn copied_files_are_there_and_read_only() {
    let project = Project::new();
    let (plugin, site) = project.up(&app(&project, json!([]))).serve();
    assert_eq!(site.get("/").text(), "hello.txt\nmore/\nsub/\n");
    assert_eq!(site.get("/sub/deep/x.txt").text(), "deep");
    assert_eq!(site.get("/more/100%25%20blue.txt").text(), "blue");
    assert_eq!(site.get("/none").status, 404);
    refuses_changes(&site);
    plugin.stop();
    assert_eq!(project.read("assets/hello.txt"), "hello");
}

#[test]
fn direct_mounts_are_as_read_only() {
    let project = Project::new();
    let (_plugin, site) = project.up(&app(&project, json!([]))).direct_mounts().serve();
    assert_eq!(site.get("/sub/deep/x.txt").text(), "deep");
    assert_eq!(site.get("/more/100%25%20blue.txt").text(), "blue");
    refuses_changes(&site);
    assert_eq!(project.read("assets/hello.txt"), "hello");
}

#[test]
fn volumes_are_beside_the_files() {
    let project = Project::new();
    let app = app(&project, json!([{ "volume": "data", "path": "/data" }])).volume("data", json!({}));
    let (plugin, site) = project.up(&app).serve();
    assert_eq!(site.put("/data/x", "kept").status, 201);
    assert_eq!(site.get("/hello.txt").text(), "hello");
    refuses_changes(&site);
    plugin.stop();
    let (_plugin, site) = project.up(&app).serve();
    assert_eq!(site.get("/data/x").text(), "kept");
}

#[test]
fn transient_writes_are_gone_at_the_end() {
    let project = Project::new();
    let app = app(&project, json!([]));
    let (plugin, site) = project.up(&app).args(&["--allow-transient-write"]).serve();
    assert_eq!(site.put("/hello.txt", "changed").status, 204);
    assert_eq!(site.get("/hello.txt").text(), "changed");
    plugin.stop();
    assert_eq!(project.read("assets/hello.txt"), "hello");
    let (_plugin, site) = project.up(&app).serve();
    assert_eq!(site.get("/hello.txt").text(), "hello");
}

/// With direct mounts, a link of the project could name anything of the host.
#[test]
fn links_do_not_lead_out() {
    let project = Project::new();
    let app = app(&project, json!([]));
    let secret = project.elsewhere("host").join("secret");
    std::fs::write(&secret, "secret").unwrap();
    std::os::unix::fs::symlink(&secret, project.join("assets/absolute")).unwrap();
    std::os::unix::fs::symlink("../../elsewhere/host/secret", project.join("assets/relative")).unwrap();
    let (_plugin, site) = project.up(&app).direct_mounts().serve();
    for path in ["/absolute", "/relative", "/../elsewhere/host/secret", "/%2e%2e/elsewhere/host/secret"] {
        let answer = site.get(path);
        assert!(answer.status >= 400 && !answer.text().contains("secret"), "{path}: {answer:?}");
    }
}

#[test]
fn a_volume_is_not_mounted_over_the_files() {
    let project = Project::new();
    let app = app(&project, json!([{ "volume": "data", "path": "/" }])).volume("data", json!({}));
    project.up(&app).refuses(&["mounts[0]", "path", "help:"]);
}

#[test]
fn files_that_are_not_there_are_named() {
    let project = Project::new();
    let up = project.up(&app(&project, json!([]))).edit_lock(|lock| {
        lock["components"][0]["files"][0]["source"] = "file:///no/such/directory".into();
    });
    up.refuses(&["web", "/no/such/directory"]);
}

#[test]
fn environment_variables_are_the_components_own() {
    let project = Project::new();
    let web = Component::guest("web", "spin-files").env("GREETING", "hi there").env("EMPTY", "");
    let other = Component::guest("other", "spin-files").env("GREETING", "hello");
    let app = App::new("env")
        .component(web)
        .component(other)
        .trigger(json!({ "component": "web", "route": "/web/..." }))
        .trigger(json!({ "component": "other", "route": "/other/..." }));
    let (_plugin, site) = project.up(&app).env("OF_THE_HOST", "secret").serve();
    let value = |path: &str| site.get(path);
    assert_eq!(value("/web/env?name=GREETING").text(), "hi there\n");
    assert_eq!(value("/other/env?name=GREETING").text(), "hello\n");
    assert_eq!(value("/web/env?name=EMPTY").text(), "\n");
    for host in ["OF_THE_HOST", "PATH", "SPIN_LOCKED_URL", "HOME"] {
        assert_eq!(value(&format!("/web/env?name={host}")).status, 404, "{host}");
    }
}
