//! `larder compose`: what it says of what it made.

use crate::support::{Place, guest};

#[test]
fn what_a_forwarding_component_imports_is_said() {
    let place = Place::new();
    let app = guest("rust-files");
    for (forward, says) in [
        ("--forward", "forwards to larder:fs/store"),
        ("--forward=store", "forwards to larder:fs/store"),
        ("--forward=wasmcloud", "forwards to larder:remote/messages"),
        ("--forward=wasmcloud-rpc", "forwards to wrpc:rpc/invoker"),
    ] {
        let ran = place.ok(&["compose", &app, forward, "-o", "made.wasm"]);
        assert!(ran.err.contains(says), "{forward}: {}", ran.err);
        let imports = place.ok(&["inspect", "made.wasm"]).out;
        assert!(imports.contains(says.trim_start_matches("forwards to ")), "{forward}: {imports}");
        // A host without the feature can't give what only the other one asks for.
        assert_eq!(imports.contains("wrpc:rpc/invoker"), forward.ends_with("-rpc"), "{forward}: {imports}");
    }
}
