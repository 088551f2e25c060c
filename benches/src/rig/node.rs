//! Node: components that `jco` transpiled, each repetition in a process of its
//! own. `benches/js/run.mjs` is what runs there.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::guest::{Line, Sample, arguments};
use super::{Contestant, Ground, Rig, compose};
use crate::cases::Case;
use crate::cases::composed::NODE_FILE;

/// How often the attached guest does what the plugged one does once: the one's
/// operations would be over before Node optimises, the other's take minutes.
const MORE_OPERATIONS: usize = 64;

/// The tools, and what they have transpiled so far.
pub(super) struct Node {
    /// The folder with `node_modules`.
    packages: PathBuf,
    transpiled: Mutex<BTreeMap<Contestant, TempDir>>,
}

impl Node {
    pub(super) fn new(packages: &Path) -> Self {
        Self { packages: packages.to_owned(), transpiled: Mutex::default() }
    }

    /// The contestant's component as a script.
    ///
    /// # Errors
    /// When composing or `jco` fails.
    pub(super) fn script(&self, guest: &[u8], contestant: Contestant) -> Result<PathBuf> {
        const NAME: &str = "bench";
        let script = |directory: &TempDir| directory.path().join(format!("{NAME}.js"));
        let mut transpiled = self.transpiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(directory) = transpiled.get(&contestant) {
            return Ok(script(directory));
        }
        let directory = tempfile::Builder::new().prefix("larder-benches-").tempdir()?;
        // To Node a script is a module when its package says so.
        fs::write(directory.path().join("package.json"), r#"{"type":"module"}"#)?;
        let component = directory.path().join("bench.wasm");
        fs::write(&component, compose::guest(guest, contestant, None)?)?;
        let mut jco = Command::new("node");
        jco.arg(self.packages.join("node_modules/@bytecodealliance/jco/dist/jco.js"));
        jco.arg("transpile").arg(&component).arg("-o").arg(directory.path());
        jco.args(["--instantiation", "async", "--name", NAME, "--no-typescript", "--quiet"]);
        finish(&mut jco).context("jco transpile failed")?;
        let path = script(&directory);
        transpiled.insert(contestant, directory);
        Ok(path)
    }
}

/// One repetition, in a process that has run the case once before.
///
/// # Errors
/// When the guest fails.
pub(super) fn run(rig: &Rig, ground: &Ground, case: &Case, name: &str) -> Result<Sample> {
    let more = if ground.contestant == Contestant::NodeAttached { MORE_OPERATIONS } else { 1 };
    let case = Case { count: case.count * more, ..case.clone() };
    let mut node = Command::new("node");
    node.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("js/run.mjs")).arg(ground.transpiled()?);
    node.args(arguments(&case, name, 0));
    node.env("LARDER_NODE", &rig.node()?.packages).env("BENCH_FILE_BYTES", OsStr::new(&NODE_FILE.to_string()));
    let output = finish(&mut node).with_context(|| format!("{name} of {:?} failed", ground.contestant))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line: Line = serde_json::from_str(text.lines().last().context("the guest printed nothing")?)?;
    Ok(line.sample(&case))
}

fn finish(command: &mut Command) -> Result<Output> {
    let output = command.output().context("cannot run node")?;
    if !output.status.success() {
        bail!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output)
}
