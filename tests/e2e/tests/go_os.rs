//! Go's own tests of its package `os`: through `larder run`, and composed into
//! a component that Wasmtime's own command runs.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking, and tells what it found")]

use std::collections::BTreeMap;
use std::process::Command;

use larder_e2e::built::{guest, larder, wasmtime};
use larder_e2e::run::{larder_run, succeeds, told};

/// Wants a device; a volume has none.
const NOT_OURS: &str = "TestDevNullFile";

/// What Wasmtime's host directory passes is 1,157 at least, and the 258 that
/// it leaves out since it refuses absolute symbolic links.
const PASS_AT_LEAST: usize = 1_157 + 258;

const ENVIRONMENT: [&str; 4] = ["PWD=/goroot/src/os", "GOROOT=/goroot", "TMPDIR=/tmp", "HOME=/home"];

const ARGUMENTS: [&str; 2] = ["-test.short", "-test.v"];

/// The results of `go test -v`: name to `PASS`, `FAIL` or `SKIP`.
fn results(text: &str) -> BTreeMap<&str, &str> {
    text.lines()
        .filter_map(|line| line.trim_start().strip_prefix("--- "))
        .filter_map(|line| line.split_once(": "))
        .filter_map(|(result, name)| Some((name.split_whitespace().next()?, result)))
        .collect()
}

/// Where the tests find the tree that they want, at `/`.
fn tree() -> String {
    format!("{}::/", guest("go-os-root").display())
}

/// Runs the tests and looks for failures that are ours.
fn finds_nothing_wrong(mut command: Command) {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let results = results(&text);
    let count = |wanted| results.values().filter(|result| **result == wanted).count();
    let (passed, failed, skipped) = (count("PASS"), count("FAIL"), count("SKIP"));
    println!("Go's os tests: {passed} pass, {failed} fail, {skipped} skip");

    let failures: Vec<_> = results.iter().filter(|(_, result)| **result == "FAIL").map(|(name, _)| *name).collect();
    assert!(failures.iter().all(|name| *name == NOT_OURS), "{failures:?} fail\n{}", told(&command, &output));
    assert!(passed >= PASS_AT_LEAST, "{passed} pass, {PASS_AT_LEAST} expected\n{}", told(&command, &output));
    let skipped_links: Vec<_> = text.lines().filter(|line| line.contains("absolute symlink")).collect();
    assert!(skipped_links.is_empty(), "tests with absolute symlinks are left out: {skipped_links:?}");
    // The run came to its end, and was not cut off by a panic.
    assert!(matches!(text.lines().last(), Some("PASS" | "FAIL")), "{}", told(&command, &output));
}

#[test]
fn on_a_volume() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = larder_run(directory.path());
    command.arg("--copy-in").arg(tree());
    for variable in ENVIRONMENT {
        command.args(["--env", variable]);
    }
    command.arg(guest("go-os-test.wasm")).args(ARGUMENTS);
    finds_nothing_wrong(command);
}

#[test]
fn composed_with_its_files() {
    let directory = tempfile::tempdir().unwrap();
    let component = directory.path().join("go-os-test.wasm");
    let mut compose = Command::new(larder());
    compose.arg("compose").arg(guest("go-os-test.wasm")).arg("--dir").arg(tree()).arg("-o").arg(&component);
    succeeds(&mut compose);
    let mut command = Command::new(wasmtime());
    command.args(["run", "-W", "max-wasm-stack=8388608"]);
    for variable in ENVIRONMENT {
        command.args(["--env", variable]);
    }
    command.arg(&component).args(ARGUMENTS);
    finds_nothing_wrong(command);
}
