//! Wasmtime's own command: a process for each request.

use std::path::Path;
use std::process::Command;

use crate::built::tool;
use crate::{Answer, Composed, Flavour};

/// What the command needs for WASI 0.3, which it has switched off.
const WASI_03: &[&str] = &["-W", "component-model-async=y", "-S", "p3=y"];

/// Runs the requests, one process each, without any directory of the host.
///
/// # Panics
/// Where the command does not compile the component.
#[must_use]
pub fn wasmtime(composed: &Composed, requests: &[String]) -> Vec<Answer> {
    let compiled = composed.path.with_extension("cwasm");
    run(Command::new(tool("LARDER_WASMTIME"))
        .arg("compile")
        .args(composed.flags())
        .arg(&composed.path)
        .arg("-o")
        .arg(&compiled))
    .unwrap_or_else(|error| panic!("wasmtime compile: {error}"));
    requests.iter().map(|request| answer(&compiled, composed.flags(), request)).collect()
}

impl Composed {
    /// WASI 0.2 must run without any.
    fn flags(&self) -> &'static [&'static str] {
        match self.flavour {
            Flavour::CommandP3 => WASI_03,
            Flavour::Command | Flavour::Http => &[],
        }
    }
}

fn answer(compiled: &Path, flags: &[&str], request: &str) -> Answer {
    let mut command = Command::new(tool("LARDER_WASMTIME"));
    command.args(["run", "--allow-precompiled"]).args(flags).arg(compiled).args(request.split(' '));
    Answer { request: request.to_owned(), result: run(&mut command) }
}

/// What a command printed; an error with its diagnostics when it failed.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(format!("{}\n{}{}", output.status, text(&output.stdout), text(&output.stderr)))
    }
}
