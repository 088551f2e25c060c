//! Node and Chromium, with components that `jco` transpiled: one process, an
//! instance for each request.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::built::{tool, work};
use crate::wasmtime::run;
use crate::{Answer, Composed};

/// A line of what the drivers in `js/` report.
#[derive(Deserialize)]
struct Line {
    request: String,
    error: Option<String>,
    /// What the instance printed, where the driver knows.
    #[serde(default)]
    text: String,
}

/// Node, over `jco transpile`. Answers carry no text: see [`jco_run`].
///
/// # Panics
/// Where the component is not transpiled or the driver fails.
#[must_use]
pub fn node(composed: &Composed, requests: &[String]) -> Vec<Answer> {
    drive("node.mjs", composed, requests)
}

/// A page in headless Chromium, over `jco transpile`.
///
/// # Panics
/// Where the component is not transpiled or the driver fails.
#[must_use]
pub fn chromium(composed: &Composed, requests: &[String]) -> Vec<Answer> {
    drive("chromium.mjs", composed, requests)
}

/// One request by `jco run`, which transpiles the component each time.
#[must_use]
pub fn jco_run(composed: &Composed, request: &str) -> Answer {
    let mut command = jco();
    command.arg("run").arg(&composed.path).args(request.split(' '));
    Answer { request: request.to_owned(), result: run(&mut command) }
}

fn jco() -> Command {
    let mut command = Command::new("node");
    command.arg(Path::new(&tool("LARDER_NODE")).join("node_modules/@bytecodealliance/jco/dist/jco.js"));
    command
}

fn transpile(composed: &Composed) -> PathBuf {
    let folder = work("transpiled").join(&composed.name);
    let mut command = jco();
    command.arg("transpile").arg(&composed.path).arg("-o").arg(&folder);
    command.args(["--instantiation", "async", "--name", "suite", "--no-typescript", "--quiet"]);
    run(&mut command).unwrap_or_else(|error| panic!("jco transpile {}: {error}", composed.name));
    folder.join("suite.js")
}

fn drive(driver: &str, composed: &Composed, requests: &[String]) -> Vec<Answer> {
    let component = transpile(composed);
    let results = component.with_extension(format!("{driver}.results"));
    let mut command = Command::new("node");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("js").join(driver)).arg(&component).arg(&results);
    for variable in ["LARDER_NODE", "LARDER_CHROMIUM"] {
        command.env(variable, tool(variable));
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("node runs");
    let input = child.stdin.take().expect("it is piped");
    { input }.write_all(requests.join("\n").as_bytes()).expect("the driver reads its requests");
    let status = child.wait().expect("node ends");
    assert!(status.success(), "{driver}: {status}");
    let text = fs::read_to_string(&results).expect("the driver writes results");
    text.lines().map(answer).collect()
}

fn answer(line: &str) -> Answer {
    let Line { request, error, text } = serde_json::from_str(line).expect("a line of JSON");
    Answer { request, result: error.map_or(Ok(text), Err) }
}
