//! Where the run took place.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;
use std::time::{SystemTime, UNIX_EPOCH};

use larder_test_spin::built;
use serde::Serialize;

/// What figures depend on besides the code.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    /// Seconds since 1970.
    time: u64,
    processor: String,
    cores: usize,
    kernel: String,
    /// Averages over 1, 5 and 15 minutes when the run ended; the run itself
    /// keeps all cores busy.
    load: String,
    /// The commit, with a `+` where files differ from it.
    commit: String,
    /// What the programs say that they are.
    pub(crate) programs: Vec<String>,
}

pub(crate) fn describe() -> Machine {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let processor = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name.to_owned()));
    let changed = output("git", &["status", "--porcelain"]).is_some_and(|changes| !changes.is_empty());
    let commit = output("git", &["rev-parse", "--short", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    Machine {
        time: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        processor: processor.unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        cores: available_parallelism().map_or(0, usize::from),
        kernel: read("/proc/sys/kernel/osrelease"),
        load: read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" "),
        commit: if changed { commit + "+" } else { commit },
        programs: [built::larder(), built::wasmtime()]
            .iter()
            .filter_map(|program| output(program, &["--version"]))
            .collect(),
    }
}

fn output(program: impl AsRef<Path>, arguments: &[&str]) -> Option<String> {
    let output =
        Command::new(program.as_ref()).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
