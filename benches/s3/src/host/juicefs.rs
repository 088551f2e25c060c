//! JuiceFS: names and attributes in SQLite on this machine, contents as blocks
//! in the bucket. Closing and syncing upload.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::mount::Mount;
use super::{Host, program};
use crate::files::Files;
use crate::server::Ground;

pub(crate) struct JuiceFs {
    mount: Mount,
    ground: Ground,
}

impl JuiceFs {
    pub(crate) fn new(ground: Ground) -> Result<Self> {
        let host = Self { mount: Mount::new()?, ground };
        let mut format = Command::new(program("LARDER_JUICEFS", "juicefs"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
            format.env_remove(name);
        }
        let access = &host.ground.access;
        let done = format
            .args(["format", "--storage", "s3", "--bucket"])
            .arg(format!("{}/{}", access.endpoint, host.ground.name))
            .args(["--access-key", &access.access_key, "--secret-key", &access.secret_key, "--trash-days", "0"])
            .arg(host.metadata())
            .arg("bench")
            .output()
            .context("juicefs does not start")?;
        ensure!(done.status.success(), "juicefs format: {}", String::from_utf8_lossy(&done.stderr));
        Ok(host)
    }

    fn metadata(&self) -> String {
        format!("sqlite3://{}", self.mount.beside("metadata").display())
    }
}

impl Host for JuiceFs {
    fn start(&mut self) -> Result<()> {
        let mut command = Command::new(program("LARDER_JUICEFS", "juicefs"));
        command
            .arg("mount")
            .arg(self.metadata())
            .arg(self.mount.path())
            .args(["--no-usage-report", "--backup-meta", "0", "--cache-dir"])
            .arg(self.mount.cache());
        self.mount.start(&mut command).context("juicefs")
    }

    fn files(&self) -> Result<&dyn Files> {
        self.mount.files()
    }

    fn settle(&self, _: u64, _: u64) -> Result<()> {
        Ok(())
    }

    fn stop(&mut self) -> Result<()> {
        self.mount.stop().context("juicefs")
    }

    fn has_plain_objects(&self) -> bool {
        false
    }

    fn peak_memory(&self) -> Option<u64> {
        self.mount.peak_memory()
    }

    fn ground(&self) -> Option<&Ground> {
        Some(&self.ground)
    }
}
