//! `spin up`: the working directory, the lock file, the environment and the
//! processes.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::app::{Files, url};
use crate::{App, Ended, Plugin, Project, Site};

/// What Spin says of itself to a plugin, beside its version.
const SPIN: [(&str, &str); 7] = [
    ("SPIN_COMMIT_SHA", "8b5a6b1"),
    ("SPIN_COMMIT_DATE", "2026-05-20"),
    ("SPIN_BRANCH", "HEAD"),
    ("SPIN_BUILD_DATE", "2026-05-20"),
    ("SPIN_TARGET_TRIPLE", "x86_64-unknown-linux-gnu"),
    ("SPIN_DEBUG", "false"),
    ("SPIN_BIN_PATH", "/usr/local/bin/spin"),
];

/// Stands for `spin up` and `spin trigger-larder`: waits for the process that
/// it starts, passes its exit code on, and survives the terminal's Ctrl-C.
/// `exec` would make one process of two.
const MIDDLE: &str =
    r#"trap : INT TERM; echo $$ >"$LARDER_TEST_PIDS/trigger"; sh -c "$LARDER_TEST_LAST" sh "$@"; exit $?"#;
const TOP: &str = r#"trap : INT TERM; echo $$ >"$LARDER_TEST_PIDS/up"; sh -c "$LARDER_TEST_MIDDLE" sh "$@"; exit $?"#;
const LAST: &str = r#"echo $$ >"$LARDER_TEST_PIDS/plugin"; exec "$@""#;

/// Which of the processes above the plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// `spin up` itself.
    Up,
    /// `spin trigger-larder`, which it started.
    Trigger,
}

/// A call of `spin up` that is to be made.
#[derive(Clone, Debug)]
pub struct Up<'p> {
    project: &'p Project,
    app: App,
    arguments: Vec<String>,
    env: Vec<(String, Option<OsString>)>,
    local_app_dir: Option<OsString>,
    current_dir: PathBuf,
    direct_mounts: bool,
    chain: bool,
    edit: Option<fn(&mut Value)>,
    lock: Option<Value>,
}

impl<'p> Up<'p> {
    pub(crate) fn new(project: &'p Project, app: &App) -> Self {
        Self {
            project,
            app: app.clone(),
            arguments: vec!["--listen".into(), "127.0.0.1:0".into()],
            env: Vec::new(),
            // `spin up` in the directory of the manifest.
            local_app_dir: Some(OsString::new()),
            current_dir: project.path().to_owned(),
            direct_mounts: false,
            chain: false,
            edit: None,
            lock: None,
        }
    }

    /// More arguments behind `--listen 127.0.0.1:0`.
    #[must_use]
    pub fn args(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    /// These arguments and no others.
    #[must_use]
    pub fn only_args(mut self, arguments: &[&str]) -> Self {
        self.arguments.clear();
        self.args(arguments)
    }

    /// A variable of the user's environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.to_owned(), Some(value.as_ref().to_owned())));
        self
    }

    /// A variable that is not there, also where `spin up` would set it.
    #[must_use]
    pub fn without_env(mut self, name: &str) -> Self {
        self.env.push((name.to_owned(), None));
        self
    }

    /// `SPIN_LOCAL_APP_DIR`: the directory of the manifest, as the user gave
    /// it; none for an app from a registry.
    #[must_use]
    pub fn local_app_dir(mut self, directory: Option<&OsStr>) -> Self {
        self.local_app_dir = directory.map(OsStr::to_owned);
        self
    }

    /// Where the user is.
    #[must_use]
    pub fn current_dir(mut self, directory: &Path) -> Self {
        directory.clone_into(&mut self.current_dir);
        self
    }

    /// `--direct-mounts`: files are not copied.
    #[must_use]
    pub const fn direct_mounts(mut self) -> Self {
        self.direct_mounts = true;
        self
    }

    /// With processes for `spin up` and `spin trigger-larder` above the plugin
    /// ([`Plugin::signal_above`]), instead of the test itself.
    #[must_use]
    pub const fn with_spin(mut self) -> Self {
        self.chain = true;
        self
    }

    /// Changes the lock file.
    #[must_use]
    pub fn edit_lock(mut self, edit: fn(&mut Value)) -> Self {
        self.edit = Some(edit);
        self
    }

    /// Another lock file instead of the app's.
    #[must_use]
    pub fn lock_file(mut self, lock: Value) -> Self {
        self.lock = Some(lock);
        self
    }

    /// Starts the plugin.
    ///
    /// # Panics
    /// Where that is not possible.
    #[must_use]
    pub fn start(&self) -> Plugin {
        let run = self.project.new_run();
        let lock = run.join("spin.lock");
        let mut locked = self.app.locked(&self.project.join("spin.toml"), |component| {
            if self.direct_mounts {
                return component.files.clone();
            }
            copied(&run, &component.id, &component.files)
        });
        if let Some(lock) = &self.lock {
            locked.clone_from(lock);
        }
        if let Some(edit) = self.edit {
            edit(&mut locked);
        }
        fs::write(&lock, serde_json::to_vec_pretty(&locked).unwrap()).unwrap();

        let plugin = self.project.plugin();
        let mut command = if self.chain {
            let mut command = Command::new("sh");
            command.args(["-c", TOP, "sh"]).arg(plugin);
            command.env("LARDER_TEST_MIDDLE", MIDDLE).env("LARDER_TEST_LAST", LAST).env("LARDER_TEST_PIDS", &run);
            command
        } else {
            Command::new(plugin)
        };
        command.args(&self.arguments).current_dir(&self.current_dir).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.set_environment(&mut command, &run, &lock);
        let child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", plugin.display()));
        Plugin::new(child, self.chain.then_some(run))
    }

    fn set_environment(&self, command: &mut Command, run: &Path, lock: &Path) {
        for (name, _) in std::env::vars_os() {
            let others = ["SPIN_", "LARDER_LOG", "OTEL_"];
            if name.to_str().is_some_and(|name| others.iter().any(|other| name.starts_with(other))) {
                command.env_remove(name);
            }
        }
        command.env("SPIN_LOCKED_URL", url(lock)).env("SPIN_WORKING_DIR", run);
        if let Some(directory) = &self.local_app_dir {
            command.env("SPIN_LOCAL_APP_DIR", directory);
        }
        let version = self.app.spin().version();
        let (numbers, pre) = version.split_once('-').unwrap_or((version, ""));
        command.env("SPIN_VERSION", version).env("SPIN_VERSION_PRE", pre).envs(SPIN);
        for (name, number) in ["MAJOR", "MINOR", "PATCH"].iter().zip(numbers.split('.')) {
            command.env(format!("SPIN_VERSION_{name}"), number);
        }
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
    }

    /// Starts the plugin, and waits until it serves.
    ///
    /// # Panics
    /// Where it does not.
    #[must_use]
    pub fn serve(&self) -> (Plugin, Site) {
        let mut plugin = self.start();
        let site = plugin.site();
        (plugin, site)
    }

    /// Starts the plugin, and waits for its end.
    ///
    /// # Panics
    /// Where it does not end.
    #[must_use]
    pub fn ends(&self) -> Ended {
        self.start().ends()
    }

    /// Starts the plugin, which must refuse: with an exit code that is not 0,
    /// without a panic, and with all of `texts` on standard error.
    ///
    /// # Panics
    /// Where it does not.
    pub fn refuses(&self, texts: &[&str]) -> Ended {
        let ended = self.ends();
        assert!(ended.code > 0, "it ended with {}: {ended}", ended.code);
        for text in texts {
            assert!(ended.err.contains(text), "`{text}` is not in: {ended}");
        }
        assert!(!ended.err.contains("panicked"), "{ended}");
        assert!(!ended.err.contains("Serving"), "it served first: {ended}");
        ended
    }
}

/// All files of a component in one directory of the run, as one mount at `/`.
fn copied(run: &Path, component: &str, files: &[Files]) -> Vec<Files> {
    if files.is_empty() {
        return Vec::new();
    }
    let assets = run.join("assets").join(component);
    for Files { source, destination } in files {
        copy(source, &assets.join(destination.trim_start_matches('/')));
    }
    vec![Files { source: assets, destination: "/".to_owned() }]
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let from = entry.unwrap().path();
        let to = to.join(from.file_name().unwrap());
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}
