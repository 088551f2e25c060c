//! wasmCloud's `wash dev`. An adapter cannot be plugged into HTTP apps, so
//! there is one way.

use larder_platforms::{Composed, Flavour, Way, check, random_programs, suite, wash};

#[test]
fn attached() {
    let composed = Composed::new(Way::Attached, Flavour::Http);
    let requests = suite();
    check("wash", &requests, &wash(&composed, &requests));
    let (requests, native): (Vec<_>, Vec<_>) = random_programs().into_iter().unzip();
    let answers: Vec<_> = wash(&composed, &requests).into_iter().map(|answer| answer.result).collect();
    assert_eq!(answers, native.into_iter().map(Ok).collect::<Vec<_>>());
}
