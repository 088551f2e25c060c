//! Go's own tests of its package `os`, through `larder run`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use larder_e2e::built::guest;
use larder_e2e::run::{larder_run, told};

/// Wants a device; a volume has none.
const NOT_OURS: &str = "TestDevNullFile";

/// What Wasmtime's host directory passes is 1,157 at least, and the 258 that
/// it leaves out since it refuses absolute symbolic links.
const PASS_AT_LEAST: usize = 1_157 + 258;

/// The results of `go test -v`: name to `PASS`, `FAIL` or `SKIP`.
fn results(text: &str) -> BTreeMap<&str, &str> {
    text.lines()
        .filter_map(|line| line.trim_start().strip_prefix("--- "))
        .filter_map(|line| line.split_once(": "))
        .filter_map(|(result, name)| Some((name.split_whitespace().next()?, result)))
        .collect()
}

#[test]
fn go_finds_nothing_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let mut root = guest("go-os-root").into_os_string();
    root.push("::/");
    let mut command = larder_run(directory.path());
    command.arg("--copy-in").arg(root);
    for variable in ["PWD=/goroot/src/os", "GOROOT=/goroot", "TMPDIR=/tmp", "HOME=/home"] {
        command.args(["--env", variable]);
    }
    let output = command.arg(guest("go-os-test.wasm")).args(["-test.short", "-test.v"]).output().unwrap();
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
