//! The list of cases, `docs/SEMANTICS.md` and the sources agree.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;

use larder_suite::{InProcess, cases};

fn read(path: impl AsRef<Path>) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn listed() -> Vec<String> {
    cases::<InProcess>().iter().map(|case| case.name.to_owned()).collect()
}

/// What stands in backticks and looks like `subject::case`.
fn named(text: &str) -> Vec<String> {
    let case = |code: &&str| {
        code.split_once("::").is_some_and(|(subject, name)| {
            [subject, name].iter().all(|part| {
                !part.is_empty()
                    && part.chars().all(|letter| letter.is_ascii_lowercase() || "_0123456789".contains(letter))
            })
        })
    };
    text.split('`').skip(1).step_by(2).filter(case).map(str::to_owned).filter(|name| name != "subject::case").collect()
}

#[test]
fn every_promise_names_a_case_and_every_case_has_a_promise() {
    let named = named(&read("../../docs/SEMANTICS.md"));
    let (all, distinct) = (named.len(), named.into_iter().collect::<BTreeSet<_>>());
    assert_eq!(all, distinct.len(), "a case is named twice");
    let listed: BTreeSet<_> = listed().into_iter().collect();
    let (missing, unknown): (Vec<_>, Vec<_>) =
        (listed.difference(&distinct).collect(), distinct.difference(&listed).collect());
    assert!(missing.is_empty(), "docs/SEMANTICS.md does not name {missing:?}");
    assert!(unknown.is_empty(), "docs/SEMANTICS.md names cases that are not there: {unknown:?}");
}

#[test]
fn every_promise_of_remote_volumes_names_a_test() {
    let text = read("../../docs/SEMANTICS.md");
    let section = text.split_once("\n## Remote volumes\n").unwrap().1.split("\n## ").next().unwrap();
    let promises: Vec<&str> = section.lines().filter(|line| line.starts_with("- ")).collect();
    assert!(promises.len() > 20, "{}", promises.len());
    for promise in promises {
        let tests: Vec<_> = promise.split('`').filter_map(|code| code.split_once(".rs::")).collect();
        assert!(!tests.is_empty(), "no test is named: {promise}");
        for (file, name) in tests {
            let source = read(format!("../../{file}.rs"));
            assert!(source.contains(&format!("fn {name}()")), "{file}.rs has no test {name}: {promise}");
        }
    }
}

#[test]
fn every_test_that_is_named_is_there() {
    let text = read("../../docs/SEMANTICS.md");
    let named: Vec<_> = text.split('`').filter_map(|code| code.split_once(".rs::")).collect();
    assert!(named.len() > 30, "{}", named.len());
    for (file, name) in named {
        let source = read(format!("../../{file}.rs"));
        assert!(source.contains(&format!("fn {name}(")), "{file}.rs has no test {name}");
    }
}

#[test]
fn every_case_of_the_sources_is_in_the_list() {
    let mut written = BTreeSet::new();
    for file in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cases")).unwrap() {
        let path = file.unwrap().path();
        let subject = path.file_stem().unwrap().to_str().unwrap().to_owned();
        for line in read(&path).lines() {
            let name = line.strip_prefix("pub(crate) fn ").and_then(|rest| rest.strip_suffix("<F: Form>() {"));
            written.extend(name.map(|name| format!("{subject}::{name}")));
        }
    }
    let listed = listed();
    assert_eq!(listed.len(), listed.iter().collect::<BTreeSet<_>>().len(), "a case is listed twice");
    assert_eq!(written, listed.into_iter().collect());
}
