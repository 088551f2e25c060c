//! Where a run took place.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread::available_parallelism;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

/// What figures depend on besides the code.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Seconds since 1970.
    pub time: u64,
    /// The processor's name.
    pub processor: String,
    /// How many of it this process may use.
    pub cores: usize,
    /// The kernel's release.
    pub kernel: String,
    /// Averages over 1, 5 and 15 minutes when the run ended; the run itself keeps
    /// cores busy.
    pub load: String,
    /// The commit, with a `+` where files differ from it.
    pub commit: String,
    /// What the programs that took part say that they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<String>,
}

/// A program, and how it is asked for its version.
#[derive(Clone, Debug)]
pub struct Program {
    /// A path, or a name to be looked up.
    pub path: PathBuf,
    /// Its only argument; the first line of the output counts.
    pub argument: &'static str,
}

impl Machine {
    /// This machine, now, and the programs that took part. What cannot be told is
    /// left out.
    #[must_use]
    pub fn now(programs: &[Program]) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let processor = read("/proc/cpuinfo")
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name.to_owned()));
        Self {
            time: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            processor: processor.unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: available_parallelism().map_or(0, usize::from),
            kernel: read("/proc/sys/kernel/osrelease"),
            load: read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" "),
            commit: commit(),
            programs: programs.iter().filter_map(Program::version).collect(),
        }
    }
}

impl Program {
    fn version(&self) -> Option<String> {
        output(Command::new(&self.path).arg(self.argument))?.lines().next().map(str::to_owned)
    }
}

fn commit() -> String {
    let git = |arguments: &[&str]| output(Command::new("git").args(arguments));
    let Some(commit) = git(&["rev-parse", "--short", "HEAD"]) else { return "unknown".to_owned() };
    let is_changed = git(&["status", "--porcelain"]).is_some_and(|changes| !changes.is_empty());
    if is_changed { commit + "+" } else { commit }
}

fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
