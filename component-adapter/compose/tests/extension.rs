//! Functions of the host that the store needs and the app left out.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use larder_compose::attach::{AttachOptions, attach};
use support::apps::app;
use support::empty_store;
use wasmparser::component_types::ComponentEntityType;
use wasmparser::{Validator, WasmFeatures};

/// The functions of the import `name` of a component.
fn functions(component: &[u8], name: &str) -> Vec<String> {
    let types = Validator::new_with_features(WasmFeatures::all()).validate_all(component).expect("it is valid");
    let types = types.as_ref();
    match types.component_item_for_import(name).expect("it is imported").ty {
        ComponentEntityType::Instance(id) => {
            let exports = &types[id].exports;
            let functions = exports.iter().filter(|(_, item)| matches!(item.ty, ComponentEntityType::Func(_)));
            functions.map(|(name, _)| name.clone()).collect()
        }
        _ => panic!("{name} is no interface"),
    }
}

#[test]
fn imported_interfaces_get_what_the_store_needs_and_no_interface_is_added() {
    let clock = r#"(import "wasi:clocks/wall-clock@0.2.0" (instance
        (type $datetime (record (field "seconds" u64) (field "nanoseconds" u32)))
        (export "datetime" (type (eq $datetime)))))"#;
    let options = AttachOptions { module: empty_store().into(), ..AttachOptions::default() };
    let attached = attach(&app(clock, ""), &options).expect("it attaches").component;
    assert_eq!(functions(&attached, "wasi:clocks/wall-clock@0.2.0"), ["now"]);
    let poll = functions(&attached, "wasi:io/poll@0.2.0");
    assert_eq!(poll, ["poll", "[method]pollable.block", "[method]pollable.ready"]);
    let streams = functions(&attached, "wasi:io/streams@0.2.0");
    for function in
        ["input-stream.read", "input-stream.blocking-read", "output-stream.check-write", "output-stream.write"]
    {
        assert!(streams.contains(&format!("[method]{function}")), "{streams:?}");
    }
    // Without a clock of the app's the store does without.
    let attached = attach(&app("", ""), &options).expect("it attaches").component;
    let types = Validator::new_with_features(WasmFeatures::all()).validate_all(&attached).expect("it is valid");
    assert!(types.as_ref().component_item_for_import("wasi:clocks/wall-clock@0.2.0").is_none());
}
