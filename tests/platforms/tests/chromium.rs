//! A page in headless Chromium.

use larder_platforms::{Composed, Flavour, Way, check, chromium, random_programs, suite};

fn passes(way: Way) {
    let composed = Composed::new(way, Flavour::Command);
    let requests = suite();
    check(&format!("Chromium, {way:?}"), &requests, &chromium(&composed, &requests));
    let (requests, native): (Vec<_>, Vec<_>) = random_programs().into_iter().unzip();
    let answers: Vec<_> = chromium(&composed, &requests).into_iter().map(|answer| answer.result).collect();
    assert_eq!(answers, native.into_iter().map(Ok).collect::<Vec<_>>(), "{way:?}");
}

#[test]
fn attached() {
    passes(Way::Attached);
}

#[test]
fn plugged() {
    passes(Way::Plugged);
}
