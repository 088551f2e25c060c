//! A NATS server of our own, on a free port, that ends with the run.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

/// Longest wait for the server to listen.
const START: Duration = Duration::from_secs(10);

pub(crate) struct Broker {
    server: Child,
    /// `host:port`.
    pub(crate) address: String,
    _directory: TempDir,
}

impl Broker {
    pub(crate) fn start(program: &Path) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let mut server = Command::new(program)
            .args(["-a", "127.0.0.1", "-p", "-1", "--ports_file_dir"])
            .arg(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}: run tests/tools", program.display()))?;
        let end = Instant::now() + START;
        while Instant::now() < end {
            if let Some(address) = listening(directory.path()) {
                return Ok(Self { server, address, _directory: directory });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = server.kill();
        bail!("{} did not listen within {START:?}", program.display())
    }
}

/// The address in the file of ports, once that is written.
fn listening(directory: &Path) -> Option<String> {
    let file = std::fs::read_dir(directory).ok()?.flatten().map(|entry| entry.path());
    let text = file
        .filter(|path| path.extension().is_some_and(|end| end == "ports"))
        .find_map(|path| std::fs::read_to_string(path).ok())?;
    let (_, rest) = text.split_once("nats://")?;
    rest.split('"').next().map(str::to_owned)
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
