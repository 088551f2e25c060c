//! What an app needs and this host does not serve is told at the start, never
//! at the first request.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use larder_test_spin::{App, Component, Project, Spin, tiny};
use serde_json::json;

fn one(component: Component) -> App {
    App::new("one").component(component).trigger(json!({ "component": "web", "route": "/..." }))
}

fn guest() -> App {
    one(Component::guest("web", "http-files"))
}

#[test]
fn what_must_be_understood_and_is_not() {
    let project = Project::new();
    project.up(&guest().must_understand("quantum_storage")).refuses(&["quantum_storage"]);
    // What is known, also without need: `spin up -c` leaves it.
    let (_plugin, site) = project.up(&guest().must_understand("component_host_requirements")).serve();
    assert_eq!(site.get("/.well-known/spin/health").status, 200);
}

#[test]
fn requirements_that_are_not_served() {
    let project = Project::new();
    for spin in [Spin::V4_0, Spin::V4_1] {
        project.up(&guest().by(spin).host_requirement("time_travel")).refuses(&["time_travel"]);
        let component = Component::guest("web", "http-files").host_requirement("time_travel");
        project.up(&one(component).by(spin)).refuses(&["time_travel", "web"]);
    }
}

#[test]
fn other_versions_of_the_lock_file() {
    let project = Project::new();
    let newer = project.up(&guest()).edit_lock(|lock| lock["spin_lock_version"] = 2.into());
    newer.refuses(&["version", "2"]);
    let broken = project.up(&guest()).edit_lock(|lock| lock["components"] = 7.into());
    broken.refuses(&["spin.lock"]);
}

#[test]
fn a_lock_file_that_is_not_there() {
    let project = Project::new();
    let nowhere = project.up(&guest()).env("SPIN_LOCKED_URL", "file:///no/such/spin.lock");
    nowhere.refuses(&["/no/such/spin.lock"]);
    project.up(&guest()).env("SPIN_LOCKED_URL", "http://localhost/spin.lock").refuses(&["SPIN_LOCKED_URL"]);
    project.up(&guest()).without_env("SPIN_WORKING_DIR").refuses(&["SPIN_WORKING_DIR", "spin up"]);
}

/// Run without it, it would be another app.
#[test]
fn dependencies_that_are_not_composed() {
    let project = Project::new();
    let adapter = tiny::empty(&project);
    let component = Component::guest("web", "http-files").dependency("wasi:filesystem", &adapter);
    project.up(&one(component)).refuses(&["web", "wasi:filesystem", "dependencies"]);
}

#[test]
fn imports_that_are_not_served() {
    let project = Project::new();
    for interface in ["spin:sqlite/sqlite@3.1.0", "fermyon:spin/llm@2.0.0", "acme:rockets/launch@1.0.0"] {
        let component = Component::new("web", &tiny::importing(&project, interface));
        project.up(&one(component)).refuses(&["web", interface]);
    }
    // A release candidate of WASI 0.3, which spin-sdk 6 has.
    let interface = "wasi:http/client@0.3.0-rc-2026-03-15";
    let component = Component::new("web", &tiny::importing(&project, interface));
    project.up(&one(component)).refuses(&["web", interface, "spin-sdk"]);
}

#[test]
fn components_that_are_none() {
    let project = Project::new();
    project.up(&one(Component::new("web", &project.join("none.wasm")))).refuses(&["web", "none.wasm"]);
    let text = project.write("target/text.wasm", "this is no WebAssembly");
    project.up(&one(Component::new("web", &text))).refuses(&["web", "text.wasm"]);
    project.up(&one(Component::new("web", &tiny::empty(&project)))).refuses(&["web", "wasi:http"]);
    project.up(&one(Component::new("web", &tiny::module(&project)))).refuses(&["web", "module.wasm", "wasm32-wasip2"]);
    // A command behind a route, and a handler as a command.
    project.up(&one(Component::guest("web", "rust-files"))).refuses(&["web", "wasi:http"]);
    let handler = App::new("one")
        .component(Component::guest("web", "http-files"))
        .trigger(json!({ "component": "web", "kind": "command" }));
    project.up(&handler).refuses(&["web", "wasi:cli"]);
}

#[test]
fn variables_that_are_missing() {
    let project = Project::new();
    let app = || {
        let web = Component::guest("web", "http-files").variable("token", "{{ api_token }}");
        one(web).variable("api_token", None).variable("other_one", None).variable("given", Some("yes"))
    };
    let ended = project.up(&app()).refuses(&["SPIN_VARIABLE_API_TOKEN", "SPIN_VARIABLE_OTHER_ONE"]);
    assert!(!ended.err.contains("GIVEN"), "{ended}");
    let up = project.up(&app()).env("SPIN_VARIABLE_API_TOKEN", "hunter2").args(&["--variable", "other_one=x"]);
    let (plugin, site) = up.serve();
    assert_eq!(site.get("/.well-known/spin/health").status, 200);
    let ended = plugin.stop();
    assert!(!format!("{ended}").contains("hunter2"), "{ended}");
    project.up(&app()).args(&["--variable", "api_tokne=x"]).refuses(&["api_tokne"]);
}

#[test]
fn a_template_with_a_variable_that_is_not_declared() {
    let project = Project::new();
    let web = Component::guest("web", "http-files").variable("token", "{{ api_tokne }}");
    project.up(&one(web).variable("api_token", Some("x"))).refuses(&["web", "token", "api_tokne"]);
}

#[test]
fn hosts_that_are_none() {
    let project = Project::new();
    for (host, text) in
        [("example.org", "example.org"), ("insecure:allow-all", "*://*:*"), ("http://x:y", "http://x:y")]
    {
        let web = Component::guest("web", "http-files").allowed_outbound_hosts(&[host]);
        project.up(&one(web)).refuses(&["web", "allowed_outbound_hosts", text]);
    }
}

#[test]
fn runtime_configuration_that_is_not_served() {
    let project = Project::new();
    let config = project.write("runtime-config.toml", "[sqlite_database.default]\ntype = \"spin\"\n");
    project.up(&guest()).env("RUNTIME_CONFIG_FILE", &config).refuses(&["runtime-config.toml", "sqlite_database"]);
    let arguments = ["--runtime-config-file", "none.toml"];
    project.up(&guest()).args(&arguments).refuses(&["none.toml"]);
}
