//! The directory of an app, and what is beside it on a user's machine.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{App, Up};

/// A directory with an app, and the directory that Spin has for runs. Names
/// have spaces and `%`, as a user's may.
#[derive(Debug)]
pub struct Project {
    directory: TempDir,
    app: PathBuf,
    runs: PathBuf,
    plugin: PathBuf,
}

impl Default for Project {
    fn default() -> Self {
        Self::new()
    }
}

impl Project {
    /// An empty one.
    ///
    /// # Panics
    /// Where there is no place for it, or no executable.
    #[must_use]
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        // As `spin up` names it in the lock file.
        let root = directory.path().canonicalize().unwrap();
        let (app, runs) = (root.join("my app 100%"), root.join("temporary files"));
        // As an archive of the plugin is unpacked.
        let plugins = root.join("plugins/trigger-larder");
        for directory in [&app, &runs, &plugins] {
            fs::create_dir_all(directory).unwrap();
        }
        let plugin = plugins.join("trigger-larder");
        std::os::unix::fs::symlink(crate::built::larder(), &plugin).unwrap();
        Self { directory, app, runs, plugin }
    }

    /// The directory of `spin.toml`, in which the user calls `spin up`.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.app
    }

    /// The directory above it.
    #[must_use]
    pub fn above(&self) -> &Path {
        self.app.parent().unwrap_or(&self.app)
    }

    /// A path in the app's directory.
    #[must_use]
    pub fn join(&self, name: &str) -> PathBuf {
        self.app.join(name)
    }

    /// Writes a file in the app's directory, with the directories above it.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// A file in the app's directory.
    ///
    /// # Panics
    /// Where it is not there.
    #[must_use]
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// `spin up` of an app, with `--listen 127.0.0.1:0`.
    #[must_use]
    pub fn up(&self, app: &App) -> Up<'_> {
        Up::new(self, app)
    }

    /// The `larder` command, in the app's directory.
    ///
    /// # Panics
    /// Where it is not there.
    #[must_use]
    pub fn larder(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(crate::built::larder());
        command.args(arguments).current_dir(&self.app);
        command
    }

    /// The plugin's executable.
    #[must_use]
    pub fn plugin(&self) -> &Path {
        &self.plugin
    }

    /// A new directory of one run: `spinup-XXXXXX`.
    pub(crate) fn new_run(&self) -> PathBuf {
        tempfile::Builder::new().prefix("spinup-").tempdir_in(&self.runs).unwrap().keep()
    }

    /// Where this test may put anything else.
    #[must_use]
    pub fn elsewhere(&self, name: &str) -> PathBuf {
        let path = self.directory.path().join("elsewhere").join(name);
        fs::create_dir_all(&path).unwrap();
        path
    }
}
