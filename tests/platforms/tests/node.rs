//! Node, by `jco transpile` and `jco run`.

use larder_platforms::{Composed, Flavour, Way, check, jco_run, node, random_programs, suite};

fn passes(way: Way) {
    let composed = Composed::new(way, Flavour::Command);
    let requests = suite();
    check(&format!("Node, {way:?}"), &requests, &node(&composed, &requests));
    for (request, native) in random_programs().into_iter().take(2) {
        let answer = jco_run(&composed, &request);
        assert_eq!(answer.result, Ok(native), "{way:?} {request}");
    }
}

#[test]
fn attached() {
    passes(Way::Attached);
}

#[test]
fn plugged() {
    passes(Way::Plugged);
}
