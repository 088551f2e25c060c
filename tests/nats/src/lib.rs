//! A real `nats-server` on a port of its own, for tests and benchmarks.
//!
//! What lives here: finding, starting and ending it, and a network before it
//! that a test can spoil. What does not: clients, and what is served on it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod proxy;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub use proxy::Proxy;

/// Longest wait for the server to listen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A NATS server. It ends when this is dropped, and when the process ends that
/// started it.
#[derive(Debug)]
pub struct Nats {
    child: Child,
    port: u16,
    directory: TempDir,
}

/// The server that `tests/tools` installed: `LARDER_NATS_SERVER`, or the one
/// in the cache.
fn program() -> PathBuf {
    let cache = || {
        std::env::var_os("LARDER_CACHE")
            .map_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/larder"), PathBuf::from)
    };
    let path =
        std::env::var_os("LARDER_NATS_SERVER").map_or_else(|| cache().join("tools/bin/nats-server"), PathBuf::from);
    assert!(path.exists(), "{} is not there; run tests/tools", path.display());
    path
}

impl Nats {
    /// One as it comes.
    ///
    /// # Panics
    /// Where it is not installed, or does not listen in time.
    #[must_use]
    pub fn start() -> Self {
        Self::with("")
    }

    /// One with lines of configuration.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn with(configuration: &str) -> Self {
        Self::prepared(TempDir::new().unwrap(), configuration)
    }

    /// One whose configuration names files in `directory`.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn prepared(directory: TempDir, configuration: &str) -> Self {
        std::fs::write(directory.path().join("nats.conf"), configuration).unwrap();
        let child = spawn(directory.path(), "-1");
        let mut nats = Self { child, port: 0, directory };
        nats.port = nats.wait_for(Self::listening_port);
        nats.wait_for(Self::connects);
        nats
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its process's number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// For clients.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// A path in its directory.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Ends it as a crash would.
    pub fn stop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }

    /// After [`stop`](Self::stop), on the same port.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn start_again(&mut self) {
        self.child = spawn(self.directory.path(), &self.port.to_string());
        self.wait_for(Self::connects);
    }

    fn listening_port(&self) -> Option<u16> {
        let mut files = std::fs::read_dir(self.directory.path()).ok()?.flatten();
        let file = files.find(|file| file.path().extension().is_some_and(|extension| extension == "ports"))?;
        let text = std::fs::read_to_string(file.path()).ok()?;
        // With TLS it is another scheme.
        text.split("://127.0.0.1:").nth(1)?.split('"').next()?.parse().ok()
    }

    fn connects(&self) -> Option<()> {
        std::net::TcpStream::connect(("127.0.0.1", self.port)).ok().map(drop)
    }

    fn wait_for<T>(&self, found: impl Fn(&Self) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = found(self) {
                return found;
            }
            if begun.elapsed() > PATIENCE {
                let log = std::fs::read_to_string(self.path("log")).unwrap_or_default();
                panic!("nats-server does not listen: {log}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The shell ends the server when its standard input ends: also when a test is
/// killed, or leaves it in a static.
fn spawn(directory: &Path, port: &str) -> Child {
    const SCRIPT: &str = "\"$0\" -a 127.0.0.1 -p \"$1\" -c nats.conf --ports_file_dir . >log 2>&1 & \
                          read -r _; kill -9 $!; wait $!";
    Command::new("sh")
        .args(["-c", SCRIPT])
        .arg(program())
        .arg(port)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
