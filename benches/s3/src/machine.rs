//! Where the run took place, and its caches.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::sizes::Sizes;

/// What figures depend on besides the code.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    /// Seconds since 1970.
    time: u64,
    processor: String,
    cores: usize,
    kernel: String,
    /// Averages over 1, 5 and 15 minutes when the run ended.
    load: String,
    /// The commit, with a `+` where files differ from it.
    commit: String,
    /// What the peers say that they are.
    peers: Vec<String>,
}

pub(crate) fn describe() -> Machine {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let processor = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name.to_owned()));
    let changed = output("git", &["status", "--porcelain"]).is_some_and(|changes| !changes.is_empty());
    let commit = output("git", &["rev-parse", "--short", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    let versions = [
        ("LARDER_WEED", "weed", "version"),
        ("LARDER_S3FS", "s3fs", "--version"),
        ("LARDER_RCLONE", "rclone", "version"),
        ("LARDER_JUICEFS", "juicefs", "version"),
    ];
    let version = |(variable, name, argument): (&str, &str, &str)| {
        let program = std::env::var(variable).unwrap_or_else(|_| name.to_owned());
        output(&program, &[argument])?.lines().next().map(str::to_owned)
    };
    Machine {
        time: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        processor: processor.unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        cores: available_parallelism().map_or(0, usize::from),
        kernel: read("/proc/sys/kernel/osrelease"),
        load: read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" "),
        commit: if changed { commit + "+" } else { commit },
        peers: versions.into_iter().filter_map(version).collect(),
    }
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Drops the kernel's caches of files, the server's among them.
///
/// # Errors
/// Where that is not allowed: what is called cold would not be.
pub(crate) fn drop_caches(sizes: &Sizes) -> Result<()> {
    if !sizes.drop_caches {
        return Ok(());
    }
    // Only what is on the disk can be dropped.
    ensure!(Command::new("sync").status()?.success(), "sync failed");
    fs::write("/proc/sys/vm/drop_caches", "3").context("the kernel's caches cannot be dropped: run it as root")
}
