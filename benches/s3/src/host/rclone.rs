//! `rclone mount --vfs-cache-mode writes`. Neither its `fsync` nor closing a
//! file waits for the bucket: it uploads after closing, by default 5 seconds
//! later.

use std::process::Command;

use anyhow::{Context, Result};

use super::mount::Mount;
use super::{Host, PATIENCE, program};
use crate::files::Files;
use crate::server::Ground;

pub(crate) struct Rclone {
    mount: Mount,
    ground: Ground,
    /// Uploads begin at once.
    at_once: bool,
}

impl Rclone {
    pub(crate) fn new(ground: Ground, at_once: bool) -> Result<Self> {
        Ok(Self { mount: Mount::new()?, ground, at_once })
    }
}

impl Host for Rclone {
    fn start(&mut self) -> Result<()> {
        let access = &self.ground.access;
        let mut command = Command::new(program("LARDER_RCLONE", "rclone"));
        command
            .arg("mount")
            .arg(format!(":s3:{}", self.ground.name))
            .arg(self.mount.path())
            .args(["--vfs-cache-mode", "writes", "--cache-dir"])
            .arg(self.mount.cache())
            .args(["--vfs-write-back", if self.at_once { "0s" } else { "5s" }])
            .env("RCLONE_CONFIG", "/dev/null")
            .env("RCLONE_S3_PROVIDER", "SeaweedFS")
            .env("RCLONE_S3_ENDPOINT", &access.endpoint)
            .env("RCLONE_S3_REGION", &access.region)
            .env("RCLONE_S3_ACCESS_KEY_ID", &access.access_key)
            .env("RCLONE_S3_SECRET_ACCESS_KEY", &access.secret_key);
        self.mount.start(&mut command).context("rclone")
    }

    fn files(&self) -> Result<&dyn Files> {
        self.mount.files()
    }

    fn settle(&self, files: u64, bytes: u64) -> Result<()> {
        self.ground.wait_for(files, bytes, PATIENCE).context("rclone")
    }

    fn stop(&mut self) -> Result<()> {
        self.mount.stop().context("rclone")
    }

    fn syncs(&self) -> bool {
        false
    }

    fn peak_memory(&self) -> Option<u64> {
        self.mount.peak_memory()
    }

    fn ground(&self) -> Option<&Ground> {
        Some(&self.ground)
    }
}
