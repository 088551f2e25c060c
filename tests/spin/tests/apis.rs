//! What spin-sdk's apps import beside files: variables and key-value stores.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use larder_test_spin::{App, Component, Project};
use serde_json::json;

/// One of the SDKs' guests.
fn one(guest: &str) -> App {
    App::new("apis")
        .variable("greeting", Some("hello"))
        .component(
            Component::guest("api", guest)
                .key_value_stores(&["default"])
                .variable("greeting", "{{ greeting }}")
                .variable("empty", ""),
        )
        .trigger(json!({ "component": "api", "route": "/..." }))
}

#[test]
fn both_sdks_have_variables_and_stores() {
    for guest in ["spin-7-api", "spin-5-api"] {
        let project = Project::new();
        let (plugin, site) = project.up(&one(guest)).serve();
        for path in ["/variables", "/values", "/keys"] {
            assert_eq!(site.get(path).ok(), "ok", "{guest} {path}");
        }
        plugin.stop();
        // The store is in a volume of the state directory.
        assert!(project.join(".spin/key-value/default.larder").exists(), "{guest}");
    }
}

#[test]
fn what_was_set_in_a_synced_volume_is_in_its_file() {
    let project = Project::new();
    let app = one("spin-5-api")
        .volume("data", json!({ "sync": true }))
        .setting("key_value_stores", json!({ "default": { "volume": "data", "subdir": "store" } }));
    let (plugin, site) = project.up(&app).serve();
    assert_eq!(site.get("/values").ok(), "ok");
    // Long before volumes are saved by themselves.
    plugin.signal("KILL");
    assert_eq!(plugin.ends().code, -9);
    let listed = project.larder(&["stat", ".spin/data.larder:/store"]).output().unwrap();
    assert!(listed.status.success(), "{listed:?}");
}
