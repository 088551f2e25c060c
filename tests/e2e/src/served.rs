//! Volumes that `larder-provider` serves over NATS, for `larder run`.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use larder_test_nats::Nats;
use tempfile::TempDir;

use crate::built::{guest, larder, provider};
use crate::run::larder_run;

/// How long a server may take to start. Guards the tests against waiting for
/// ever.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A process in the background, killed should the test end before it.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A NATS server, and a directory for the volume.
pub struct Broker {
    directory: TempDir,
    nats: Nats,
}

impl Broker {
    pub fn start() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), nats: Nats::start() }
    }

    /// Where commands run, and the volume's file is.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn nats_url(&self) -> String {
        self.nats.url()
    }

    pub fn volume(&self) -> String {
        format!("{}/data", self.nats.url())
    }

    /// Serves `data`, and returns once it answers.
    pub fn provider(&self) -> Running {
        self.provider_with("")
    }

    /// The same with these settings before that of the volume.
    pub fn provider_with(&self, settings: &str) -> Running {
        let config = self.directory.path().join("provider.toml");
        let mut file = std::fs::File::create(&config).unwrap();
        write!(file, "{settings}\n[volumes.data]\nfile = \"data.larder\"\nwritable = true\n").unwrap();
        let mut command = Command::new(provider());
        command.arg("--config").arg(&config).args(["--nats", &self.nats.url()]);
        let running = Running(command.stderr(Stdio::null()).spawn().unwrap());
        until("larder-provider answers", || {
            self.larder(&["df", &self.volume()]).output().ok()?.status.success().then_some(())
        });
        running
    }

    pub fn larder(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(larder());
        command.current_dir(self.directory.path()).args(arguments);
        command
    }

    /// Runs an app with the volume at `/`.
    pub fn run(&self, app: &str, mode: &str, arguments: &[&str]) -> Command {
        let mut command = larder_run(self.directory.path());
        command.args(["-v", &format!("{}::/{mode}", self.volume())]).arg(guest(app)).args(arguments);
        command
    }
}

/// Asks again until there is an answer.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
