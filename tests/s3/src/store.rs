//! A directory that goes with the process that made it, however that ends: a
//! server that a test leaves in a static is never dropped.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// The directory. A shell removes it when its standard input ends.
#[derive(Debug)]
pub(crate) struct Store {
    directory: TempDir,
    keeper: Child,
}

impl Store {
    /// # Panics
    /// Where no directory can be had.
    pub(crate) fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let keeper = Command::new("sh")
            .args(["-c", "read -r _; rm -rf \"$0\""])
            .arg(directory.path())
            // A signal to the test's group is not for it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { directory, keeper }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
