//! Running the program and looking at what it did.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a test waits for anything. Compiling a guest for the first time is
/// part of it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A directory of its own for one test, in which `larder` runs.
pub(crate) struct Place {
    directory: TempDir,
}

/// What a finished run gave.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The names in the directory, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_larder"));
        command.args(arguments).current_dir(self.directory.path()).stdin(Stdio::null());
        command
    }

    /// Runs to the end, whatever that is.
    pub(crate) fn larder<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }

    /// Runs, and fails the test unless the exit code is 0.
    pub(crate) fn ok<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Ran {
        let ran = self.larder(arguments);
        assert_eq!(ran.code, 0, "stdout: {}\nstderr: {}", ran.out, ran.err);
        ran
    }

    /// Runs, and fails the test unless the exit code is `code` and standard
    /// error has all of `texts`.
    pub(crate) fn fails<S: AsRef<OsStr>>(&self, arguments: &[S], code: i32, texts: &[&str]) -> Ran {
        let ran = self.larder(arguments);
        assert_eq!(ran.code, code, "stdout: {}\nstderr: {}", ran.out, ran.err);
        for text in texts {
            assert!(ran.err.contains(text), "`{text}` is not in: {}", ran.err);
        }
        ran
    }

    /// Starts in the background.
    pub(crate) fn start<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Running {
        let mut command = self.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Running::new(command.spawn().unwrap())
    }

    /// Starts a shell in the background.
    pub(crate) fn start_shell(&self, script: &str) -> Running {
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(self.directory.path()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Running::new(command.spawn().unwrap())
    }

    /// Standard output of a run that must succeed, as JSON.
    pub(crate) fn json<S: AsRef<OsStr>>(&self, arguments: &[S]) -> serde_json::Value {
        serde_json::from_str(&self.ok(arguments).out).unwrap()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: code(output.status),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The exit code; a signal that killed the process is negative.
fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| -status.signal().unwrap())
}

/// A process in the background, killed should the test end before it.
pub(crate) struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
    seen: String,
}

impl Running {
    pub(crate) fn new(mut child: Child) -> Self {
        let (sender, lines) = mpsc::channel();
        fn follow(stream: impl Read + Send + 'static, sender: mpsc::Sender<String>) {
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        follow(child.stdout.take().unwrap(), sender.clone());
        follow(child.stderr.take().unwrap(), sender);
        Self { child, lines, seen: String::new() }
    }

    /// Waits for a line, of either output, that contains `text`.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("`{text}` did not come; what came: {}", self.seen)
            };
            self.seen.push_str(&line);
            self.seen.push('\n');
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Sends a signal by its number.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end; gives the exit code and all output.
    pub(crate) fn end(mut self) -> (i32, String) {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "still running; what came: {}", self.seen);
            std::thread::sleep(Duration::from_millis(10));
        };
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(5)) {
            self.seen.push_str(&line);
            self.seen.push('\n');
        }
        (code(status), std::mem::take(&mut self.seen))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The path of a guest that `tests/guests/build` makes.
pub(crate) fn guest(name: &str) -> String {
    let directory = std::env::var_os("LARDER_GUESTS").map_or_else(
        || Path::new(&std::env::var_os("HOME").expect("HOME is not set")).join(".cache/larder/guests"),
        PathBuf::from,
    );
    let path = directory.join(format!("{name}.wasm"));
    assert!(path.exists(), "{} is missing: run tests/guests/build", path.display());
    path.into_os_string().into_string().unwrap()
}
