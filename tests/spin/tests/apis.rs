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
