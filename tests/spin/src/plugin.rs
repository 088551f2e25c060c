//! A running plugin: what it says, signals, and its end.
//!
//! What a user does comes to this ([`Plugin::signal`], [`Plugin::signal_group`],
//! [`Plugin::signal_above`]):
//!
//! | Event | The plugin gets |
//! |---|---|
//! | SIGINT or SIGTERM to `spin up` | SIGTERM, 50 ms later |
//! | Ctrl-C | SIGINT, as all of the group, and SIGTERM from Spin, once or twice, a few ms later |
//! | SIGKILL of `spin up` | nothing |
//! | another trigger of the app ends with 0 | nothing, but `spin up` is gone |

use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::up::Stop;
use crate::{PATIENCE, Site, until};

/// How the line begins that has the address.
const SERVING: &str = "Serving ";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Out,
    Err,
}

/// The plugin and the processes above it. All end when this is dropped.
#[derive(Debug)]
pub struct Plugin {
    child: Child,
    /// Where the numbers of the processes are, where Spin's were played.
    pids: Option<PathBuf>,
    incoming: Receiver<(Stream, String)>,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    stream: Stream,
    text: String,
    /// Somebody waited for it.
    taken: bool,
}

/// How it ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The exit code; a signal that killed it is negative.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, out, err } = self;
        write!(f, "code {code}\n--- stdout\n{out}\n--- stderr\n{err}")
    }
}

impl Plugin {
    pub(crate) fn new(mut child: Child, pids: Option<PathBuf>) -> Self {
        let (sender, incoming) = channel();
        follow(Stream::Out, child.stdout.take().unwrap(), sender.clone());
        follow(Stream::Err, child.stderr.take().unwrap(), sender);
        Self { child, pids, incoming, lines: Vec::new() }
    }

    /// The number of the plugin's own process.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process("plugin")
    }

    fn process(&self, name: &str) -> u32 {
        match &self.pids {
            Some(pids) => until(name, || fs::read_to_string(pids.join(name)).ok()?.trim().parse().ok()),
            None => self.child.id(),
        }
    }

    /// Waits for the next line of either output; false once all processes that
    /// have it are gone.
    fn next_line(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.incoming.recv_timeout(left) {
            Ok((stream, text)) => self.lines.push(Line { stream, text, taken: false }),
            Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => panic!("too slow; what came: {}", self.so_far()),
        }
        true
    }

    fn text_of(&self, stream: Stream) -> String {
        self.lines.iter().filter(|line| line.stream == stream).map(|line| format!("{}\n", line.text)).collect()
    }

    fn so_far(&self) -> String {
        format!("--- stdout\n{}\n--- stderr\n{}", self.text_of(Stream::Out), self.text_of(Stream::Err))
    }

    /// Waits for a line of either output with a text, which nobody waited for
    /// before. It may have come already.
    ///
    /// # Panics
    /// Where it does not come within [`PATIENCE`].
    pub fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = 0;
        loop {
            while let Some(line) = self.lines.get_mut(seen) {
                seen += 1;
                if !line.taken && line.text.contains(text) {
                    line.taken = true;
                    return line.text.clone();
                }
            }
            if !self.next_line(deadline) {
                panic!("`{text}` did not come before the end; what came: {}", self.so_far());
            }
        }
    }

    /// Waits until it serves.
    ///
    /// # Panics
    /// Where it does not.
    pub fn site(&mut self) -> Site {
        let line = self.wait_for(SERVING);
        let url = line.split(SERVING).last().unwrap().trim();
        let address = url.split_once("://").unwrap_or_else(|| panic!("{line} has no address")).1;
        Site::at(address.trim_end_matches('/'))
    }

    /// What came so far of standard output and error, without waiting.
    pub fn output(&mut self) -> (String, String) {
        while let Ok((stream, text)) = self.incoming.try_recv() {
            self.lines.push(Line { stream, text, taken: false });
        }
        (self.text_of(Stream::Out), self.text_of(Stream::Err))
    }

    /// Sends the plugin a signal: `TERM`.
    ///
    /// # Panics
    /// Where there is no such process any more.
    pub fn signal(&self, name: &str) {
        kill(name, &self.id().to_string());
    }

    /// Sends a signal to the process group, as a terminal does for Ctrl-C.
    ///
    /// # Panics
    /// As [`signal`](Self::signal).
    pub fn signal_group(&self, name: &str) {
        kill(name, &format!("-{}", self.child.id()));
    }

    /// Sends a signal to one of the processes above the plugin.
    ///
    /// # Panics
    /// As [`signal`](Self::signal).
    pub fn signal_above(&self, which: Stop, name: &str) {
        let process = match which {
            Stop::Up => "up",
            Stop::Trigger => "trigger",
        };
        assert!(self.pids.is_some(), "nothing is above the plugin: use `Up::with_spin`");
        kill(name, &self.process(process).to_string());
    }

    /// Waits for the end of all processes.
    ///
    /// # Panics
    /// Where it does not come within [`PATIENCE`].
    #[must_use]
    pub fn ends(mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        // Until nobody has standard output or error any more.
        while self.next_line(deadline) {}
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "it closed its output and runs on: {}", self.so_far());
            std::thread::sleep(Duration::from_millis(5));
        };
        Ended { code: code(status), out: self.text_of(Stream::Out), err: self.text_of(Stream::Err) }
    }

    /// Stops it as `spin up` does, and expects an orderly end.
    ///
    /// # Panics
    /// Where the exit code is another than 0.
    pub fn stop(self) -> Ended {
        self.signal("TERM");
        let ended = self.ends();
        assert_eq!(ended.code, 0, "{ended}");
        ended
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) || self.pids.is_some() {
            // Also those whose parent is gone; there may be none.
            let _ = Command::new("kill")
                .args(["-s", "KILL", "--", &format!("-{}", self.child.id())])
                .stderr(std::process::Stdio::null())
                .status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn follow(stream: Stream, source: impl Read + Send + 'static, sender: Sender<(Stream, String)>) {
    std::thread::spawn(move || {
        let mut source = BufReader::new(source);
        let mut line = Vec::new();
        while source.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line);
            if sender.send((stream, text.trim_end_matches('\n').to_owned())).is_err() {
                return;
            }
            line.clear();
        }
    });
}

fn kill(name: &str, process: &str) {
    let status = Command::new("kill").args(["-s", name, "--", process]).status().unwrap();
    assert!(status.success(), "kill -s {name} {process}");
}

fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| -status.signal().unwrap())
}
