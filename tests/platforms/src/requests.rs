//! What the guest is asked for, and whether the answers are right.

use std::fmt::Write;

use larder_suite::{InProcess, cases, random};

/// What a runtime made of a request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The request, as words.
    pub request: String,
    /// What the guest printed, or how it failed.
    pub result: Result<String, String>,
}

/// A request for each case of the suite, once by the calls of descriptors and
/// once through streams.
#[must_use]
pub fn suite() -> Vec<String> {
    ["run", "run-streams"].iter().flat_map(|how| each_case(how)).collect()
}

/// A request for each case of the suite, once: WASI 0.3 has streams alone.
#[must_use]
pub fn suite_once() -> Vec<String> {
    each_case("run")
}

fn each_case(how: &str) -> Vec<String> {
    cases::<InProcess>().iter().map(|case| format!("{how} {}", case.name)).collect()
}

/// Random programs, and what the native store answers to each.
#[must_use]
pub fn random_programs() -> Vec<(String, String)> {
    const STEPS: u32 = 3000;
    let program = |seed: u64, how| (format!("{how} {seed} {STEPS}"), random::<InProcess>(seed, STEPS));
    (1..=4).map(|seed| program(seed, "random")).chain((5..=6).map(|seed| program(seed, "random-streams"))).collect()
}

/// Checks that each request has an answer and is a success.
///
/// # Panics
/// Where not: with all that failed.
pub fn check(platform: &str, requests: &[String], answers: &[Answer]) {
    let asked: Vec<_> = answers.iter().map(|answer| &answer.request).collect();
    let mut failed = String::new();
    let mut count = 0;
    for answer in answers {
        if let Err(error) = &answer.result {
            count += 1;
            writeln!(failed, "--- {}\n{}", answer.request, error.trim_end()).expect("a string takes all");
        }
    }
    assert!(failed.is_empty(), "{platform}: {count} of {} failed:\n{failed}", answers.len());
    assert_eq!(asked, requests.iter().collect::<Vec<_>>(), "{platform}: not every request was answered");
}
