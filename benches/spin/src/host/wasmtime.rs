//! `wasmtime serve` over a directory of the host.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use anyhow::{Context, Result};
use larder_test_spin::built;
use tempfile::TempDir;

use super::reuse;
use crate::content::{ROOT, VARIABLE, fill_directory};
use crate::guest::Guest;
use crate::plan::Plan;

/// How long it may take to compile the component.
const PATIENCE: Duration = Duration::from_secs(120);

/// What stands before the address on standard output or error.
const SERVING: &str = "Serving HTTP on http://";

/// A running server.
pub(crate) struct Wasmtime {
    child: Child,
    address: String,
    _directory: TempDir,
}

impl Wasmtime {
    /// Over a directory that is made in `place`, or on the disk.
    pub(super) fn start(guest: Guest, place: Option<&Path>, plan: &Plan) -> Result<Self> {
        let mut builder = tempfile::Builder::new();
        let builder = builder.prefix("larder-bench-spin-");
        let directory = match place {
            Some(place) => builder.tempdir_in(place).with_context(|| format!("no directory in {}", place.display()))?,
            None => builder.tempdir()?,
        };
        fill_directory(directory.path())?;

        let mut command = Command::new(built::wasmtime());
        command.arg("serve").arg("-Scli");
        if guest == Guest::Spin7 {
            // What a component of WASI 0.3 needs; one of 0.2 is served as it comes.
            command.args(["-Sp3", "-Wcomponent-model-async"]);
        }
        command.args(["--addr", "127.0.0.1:0"]).args(reuse(plan));
        command.arg("--dir").arg(format!("{}::{ROOT}", directory.path().display()));
        command.arg("--env").arg(format!("{}={}", VARIABLE.0, VARIABLE.1));
        command.arg(guest.path());
        // Not in the terminal's group, as the trigger: the harness ends it.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().context("wasmtime does not start")?;
        let (sender, addresses) = channel();
        if let Some(out) = child.stdout.take() {
            follow(out, sender.clone());
        }
        if let Some(err) = child.stderr.take() {
            follow(err, sender);
        }
        let mut started = Self { child, address: String::new(), _directory: directory };
        started.address = addresses.recv_timeout(PATIENCE).context("wasmtime serves nothing; see above")?;
        Ok(started)
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Wasmtime {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Passes on the address, and shows whatever else is said: nothing is, unless
/// something is wrong.
fn follow(output: impl Read + Send + 'static, sender: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            match line.split_once(SERVING) {
                Some((_, address)) => {
                    // Nobody waits for a second one.
                    let _ = sender.send(address.trim_end_matches('/').to_owned());
                }
                None => crate::say(&format!("    wasmtime: {line}")),
            }
        }
    });
}
