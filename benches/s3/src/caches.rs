//! The kernel's caches.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::sizes::Sizes;

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
