//! Where the output of components goes: a file for each stream of each
//! component, and the terminal.
//!
//! A component never fills the host's disk: a file that reaches its bound
//! becomes the older one of two.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};

use crate::runtime::{GuestOutput, OutputTarget, Sink, Stdio};

/// Bytes of one log file; a component has four at most, two for each stream.
/// Guards the host's disk.
const MOST_BYTES: u64 = 64 << 20;

/// Whose output is printed.
#[derive(Clone, Debug)]
pub(super) enum Follow {
    /// Everybody's.
    All,
    /// These components'.
    Only(Vec<String>),
    /// Nobody's.
    Nobody,
}

/// The logs of a run.
pub(super) struct Logs {
    directory: Option<PathBuf>,
    follow: Follow,
    truncate: bool,
    /// Those of a component are shared by all of its triggers.
    open: BTreeMap<String, Stdio>,
}

impl Logs {
    /// Logs in `directory`, which is created; without one nothing is logged.
    ///
    /// # Errors
    /// When the directory cannot be created.
    pub(super) fn new(directory: Option<PathBuf>, follow: Follow, truncate: bool) -> Result<Self> {
        if let Some(directory) = &directory {
            std::fs::create_dir_all(directory).with_context(|| {
                format!("cannot create the log directory {}: give another one with `--log-dir`", directory.display())
            })?;
        }
        Ok(Self { directory, follow, truncate, open: BTreeMap::new() })
    }

    /// The streams of a component.
    ///
    /// # Errors
    /// When a log file cannot be opened.
    pub(super) fn of(&mut self, component: &str) -> Result<Stdio> {
        if let Some(stdio) = self.open.get(component) {
            return Ok(stdio.clone());
        }
        let stdio = Stdio::Shared {
            stdout: self.stream(component, "stdout", OutputTarget::Stdout)?,
            stderr: self.stream(component, "stderr", OutputTarget::Stderr)?,
        };
        self.open.insert(component.to_owned(), stdio.clone());
        Ok(stdio)
    }

    fn stream(&self, component: &str, stream: &str, target: OutputTarget) -> Result<GuestOutput> {
        let followed = match &self.follow {
            Follow::All => true,
            Follow::Only(names) => names.iter().any(|name| name == component),
            Follow::Nobody => false,
        };
        let file = self.directory.as_ref().map(|directory| {
            let path = directory.join(format!("{component}_{stream}.txt"));
            LogFile::open(&path, self.truncate, MOST_BYTES)
                .with_context(|| format!("cannot open the log {}", path.display()))
        });
        let file = file.transpose()?.map(Mutex::new);
        Ok(GuestOutput::new(ComponentOutput { file, terminal: followed.then_some(target) }))
    }
}

/// One stream of one component.
struct ComponentOutput {
    file: Option<Mutex<LogFile>>,
    terminal: Option<OutputTarget>,
}

impl Sink for ComponentOutput {
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        if let Some(file) = &self.file {
            // A full disk is no reason to fail the guest.
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = file.write(bytes) {
                tracing::warn!("cannot write to the log {}: {error}", file.path.display());
            }
        }
        if let Some(terminal) = self.terminal {
            // A terminal that is gone, too.
            let _ = terminal.write(bytes);
        }
        Ok(())
    }

    fn is_terminal(&self) -> bool {
        self.file.is_none() && self.terminal.is_some_and(OutputTarget::is_terminal)
    }
}

/// A file that is appended to.
struct LogFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    most: u64,
}

impl LogFile {
    fn open(path: &Path, truncate: bool, most: u64) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        if truncate {
            file.set_len(0)?;
        }
        let bytes = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, bytes, most })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.bytes > 0 && self.bytes.saturating_add(bytes.len() as u64) > self.most {
            // `web_stdout.txt` becomes `web_stdout.1.txt`.
            std::fs::rename(&self.path, self.path.with_extension("1.txt"))?;
            *self = Self::open(&self.path, false, self.most)?;
        }
        self.file.write_all(bytes)?;
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_has_a_bound() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("web_stdout.txt");
        let mut log = LogFile::open(&path, false, 10).unwrap();
        for text in ["12345", "6789", "abc", "defghi"] {
            log.write(text.as_bytes()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "abcdefghi");
        assert_eq!(std::fs::read_to_string(directory.path().join("web_stdout.1.txt")).unwrap(), "123456789");
        drop(log);
        let mut log = LogFile::open(&path, true, 10).unwrap();
        log.write(b"more than ten bytes").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "more than ten bytes");
    }
}
