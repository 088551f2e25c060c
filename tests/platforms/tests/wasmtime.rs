//! Wasmtime's own command.

use larder_platforms::{Composed, Flavour, Way, check, random_programs, suite, wasmtime};

fn passes(way: Way) {
    let composed = Composed::new(way, Flavour::Command);
    let requests = suite();
    check(&format!("Wasmtime, {way:?}"), &requests, &wasmtime(&composed, &requests));
    for (request, native) in random_programs() {
        let [answer] = wasmtime(&composed, &[request]).try_into().expect("one answer");
        assert_eq!(answer.result.as_ref(), Ok(&native), "{way:?} {}", answer.request);
    }
}

#[test]
fn attached() {
    passes(Way::Attached);
}

#[test]
fn attached_with_multi_memory() {
    passes(Way::AttachedMultiMemory);
}

#[test]
fn plugged() {
    passes(Way::Plugged);
}
