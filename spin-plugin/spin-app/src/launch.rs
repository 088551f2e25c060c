//! What `spin up` tells a trigger by environment variables, and the rules for
//! the directories of state and logs that follow from it.
//!
//! What does not live here: the flags `--state-dir` and `--log-dir` and the
//! runtime configuration file, whose values callers hand in; reading the lock
//! file ([`lock`](crate::lock)).

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::lock::{FileUrlError, file_path};

/// The file URL of `spin.lock`. Set by `spin up`.
pub const LOCKED_URL: &str = "SPIN_LOCKED_URL";

/// A directory of this run, deleted by `spin up` at a normal end unless
/// `--temp` named it.
pub const WORKING_DIR: &str = "SPIN_WORKING_DIR";

/// The directory of the manifest as `spin up` was given it: empty for the
/// current directory, unset for apps that are not local.
pub const LOCAL_APP_DIR: &str = "SPIN_LOCAL_APP_DIR";

/// The directory below a local app's where state goes when nothing else is
/// said.
const STATE_DIRECTORY: &str = ".spin";

/// The directory below the state directory where logs go when nothing else is
/// said.
const LOG_DIRECTORY: &str = "logs";

/// Why this process was not started as a trigger.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LaunchError {
    /// There is no lock file: a user typed the trigger's name.
    #[error(
        "this is the trigger of Spin apps with `[[trigger.larder]]`, and `spin up` starts it: \
         run `spin up` in the directory of the app's spin.toml (SPIN_LOCKED_URL is not set)"
    )]
    NotBySpinUp,
    /// The lock file's address is none.
    #[error("SPIN_LOCKED_URL is not the URL of a file: {0}")]
    LockedUrl(FileUrlError),
    /// A variable that `spin up` sets is missing.
    #[error("{0} is not set, which `spin up` does: run `spin up`, or set it to a directory for this run")]
    Missing(&'static str),
    /// A variable has a value that is no text.
    #[error("{0} is not UTF-8")]
    NotText(&'static str),
}

/// What `spin up` said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    lock_file: PathBuf,
    working_directory: PathBuf,
    app_directory: Option<PathBuf>,
}

impl Launch {
    /// Reads the environment, of which `variable` gives the values. Relative
    /// paths become paths below `current_directory`.
    ///
    /// # Errors
    /// When this process was not started by `spin up`, or it said something
    /// that is not its contract.
    pub fn read(variable: impl Fn(&str) -> Option<OsString>, current_directory: &Path) -> Result<Self, LaunchError> {
        let url = variable(LOCKED_URL).filter(|url| !url.is_empty()).ok_or(LaunchError::NotBySpinUp)?;
        let url = url.to_str().ok_or(LaunchError::NotText(LOCKED_URL))?;
        let lock_file = file_path(url).map_err(LaunchError::LockedUrl)?;
        let working = variable(WORKING_DIR).filter(|path| !path.is_empty()).ok_or(LaunchError::Missing(WORKING_DIR))?;
        Ok(Self {
            lock_file,
            working_directory: current_directory.join(working),
            // An empty one is the current directory, not a missing one.
            app_directory: variable(LOCAL_APP_DIR).map(|path| below(current_directory, &path)),
        })
    }

    /// The path of `spin.lock`.
    #[must_use]
    pub fn lock_file(&self) -> &Path {
        &self.lock_file
    }

    /// The directory of this run, which has the components' files.
    #[must_use]
    pub fn working_directory(&self) -> &Path {
        &self.working_directory
    }

    /// The directory of the manifest; none for an app from a registry.
    #[must_use]
    pub fn app_directory(&self) -> Option<&Path> {
        self.app_directory.as_deref()
    }

    /// Where what outlives the run is kept: what was [`Chosen`] first, or
    /// `.spin` in the app's directory. None for an app from a registry, or when
    /// an empty path was chosen, as in Spin.
    #[must_use]
    pub fn state_directory(&self, chosen: Chosen<'_>) -> Option<PathBuf> {
        match chosen.first() {
            Some(path) if path.as_os_str().is_empty() => None,
            Some(path) => Some(below(chosen.current_directory, path.as_os_str())),
            None => self.app_directory.as_ref().map(|app| app.join(STATE_DIRECTORY)),
        }
    }

    /// Where components' output is logged: what was [`Chosen`] first, or `logs`
    /// in the state directory. None without either, or when an empty path was
    /// chosen, as in Spin.
    #[must_use]
    pub fn log_directory(&self, chosen: Chosen<'_>, state_directory: Option<&Path>) -> Option<PathBuf> {
        match chosen.first() {
            Some(path) if path.as_os_str().is_empty() => None,
            Some(path) => Some(below(chosen.current_directory, path.as_os_str())),
            None => state_directory.map(|state| state.join(LOG_DIRECTORY)),
        }
    }
}

/// A directory that the user may choose in two places. An empty path is a
/// choice: none.
#[derive(Clone, Copy, Debug)]
pub struct Chosen<'a> {
    /// By a flag or an environment variable.
    pub flag: Option<&'a Path>,
    /// In the runtime configuration file.
    pub file: Option<&'a Path>,
    /// Where relative paths begin, both of flags and, as in Spin, of the file.
    pub current_directory: &'a Path,
}

impl<'a> Chosen<'a> {
    const fn first(self) -> Option<&'a Path> {
        match self.flag {
            Some(path) => Some(path),
            None => self.file,
        }
    }
}

/// `path` below `directory`; the directory itself, without a slash at its end,
/// when the path is empty.
fn below(directory: &Path, path: &OsStr) -> PathBuf {
    if path.is_empty() { directory.to_owned() } else { directory.join(path) }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn launch(variables: &[(&str, &str)]) -> Result<Launch, LaunchError> {
        let get = |name: &str| {
            let value = variables.iter().find(|(key, _)| *key == name);
            value.map(|(_, value)| OsString::from(value))
        };
        Launch::read(get, Path::new("/cwd"))
    }

    const LOCK: (&str, &str) = (LOCKED_URL, "file:///tmp/spinup-a%20b/spin.lock");
    const WORK: (&str, &str) = (WORKING_DIR, "/tmp/spinup-a b");

    #[test]
    fn what_spin_up_sets() {
        for (app, directory) in [("", "/cwd"), ("fake/app", "/cwd/fake/app"), ("..", "/cwd/.."), ("/abs", "/abs")] {
            let launch = launch(&[LOCK, WORK, (LOCAL_APP_DIR, app)]).unwrap();
            assert_eq!(launch.lock_file(), Path::new("/tmp/spinup-a b/spin.lock"));
            assert_eq!(launch.working_directory(), Path::new("/tmp/spinup-a b"));
            assert_eq!(launch.app_directory(), Some(Path::new(directory)), "{app:?}");
        }
        assert_eq!(launch(&[LOCK, WORK]).unwrap().app_directory(), None);
    }

    #[test]
    fn who_types_the_triggers_name_is_told_to_use_spin_up() {
        for variables in [&[][..], &[(LOCKED_URL, "")]] {
            let error = launch(variables).unwrap_err();
            assert_eq!(error, LaunchError::NotBySpinUp);
            assert!(error.to_string().contains("run `spin up`"), "{error}");
        }
        assert!(
            launch(&[(LOCKED_URL, "http://x/spin.lock"), WORK]).unwrap_err().to_string().contains("SPIN_LOCKED_URL")
        );
        assert_eq!(launch(&[LOCK]).unwrap_err(), LaunchError::Missing(WORKING_DIR));
    }

    #[test]
    fn directories_of_state_and_logs() {
        let local = launch(&[LOCK, WORK, (LOCAL_APP_DIR, "app")]).unwrap();
        let remote = launch(&[LOCK, WORK]).unwrap();
        let chosen = |flag: Option<&'static str>, file: Option<&'static str>| Chosen {
            flag: flag.map(Path::new),
            file: file.map(Path::new),
            current_directory: Path::new("/cwd"),
        };
        // flag, file → state of a local app, state of a remote app
        for (flag, file, state, remote_state) in [
            (None, None, Some("/cwd/app/.spin"), None),
            (Some("s"), Some("t"), Some("/cwd/s"), Some("/cwd/s")),
            (None, Some("t"), Some("/cwd/t"), Some("/cwd/t")),
            (Some("/abs"), None, Some("/abs"), Some("/abs")),
            (Some(""), Some("t"), None, None),
            (None, Some(""), None, None),
        ] {
            assert_eq!(local.state_directory(chosen(flag, file)).as_deref(), state.map(Path::new), "{flag:?} {file:?}");
            assert_eq!(remote.state_directory(chosen(flag, file)).as_deref(), remote_state.map(Path::new));
        }
        let state = Some(Path::new("/state"));
        let logs = |flag, file, state| local.log_directory(chosen(flag, file), state);
        assert_eq!(logs(None, None, state), Some("/state/logs".into()));
        assert_eq!(logs(Some("l"), None, state), Some("/cwd/l".into()));
        assert_eq!(logs(None, Some("l"), None), Some("/cwd/l".into()));
        assert_eq!(logs(Some(""), None, state), None);
        assert_eq!(logs(None, None, None), None);
    }
}
