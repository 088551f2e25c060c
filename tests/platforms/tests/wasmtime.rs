//! Wasmtime's own command.

use larder_platforms::{Composed, Flavour, Way, check, random_programs, suite, suite_once, wasmtime};

fn passes(way: Way, flavour: Flavour, requests: &[String]) {
    let composed = Composed::new(way, flavour);
    check(&format!("Wasmtime, {way:?}, {flavour:?}"), requests, &wasmtime(&composed, requests));
    for (request, native) in random_programs() {
        let [answer] = wasmtime(&composed, &[request]).try_into().expect("one answer");
        assert_eq!(answer.result.as_ref(), Ok(&native), "{way:?} {flavour:?} {}", answer.request);
    }
}

#[test]
fn attached() {
    passes(Way::Attached, Flavour::Command, &suite());
}

#[test]
fn attached_with_multi_memory() {
    passes(Way::AttachedMultiMemory, Flavour::Command, &suite());
}

#[test]
fn plugged() {
    passes(Way::Plugged, Flavour::Command, &suite());
}

/// WASI 0.3 beside 0.2, over one store.
#[test]
fn plugged_with_wasi_03() {
    passes(Way::Plugged, Flavour::CommandP3, &suite_once());
}
