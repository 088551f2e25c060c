//! s3fs-fuse, with its cache of files: closing and syncing upload.

use std::process::Command;

use anyhow::{Context, Result};

use super::mount::Mount;
use super::{Host, program};
use crate::files::Files;
use crate::server::Ground;

pub(crate) struct S3fs {
    mount: Mount,
    ground: Ground,
}

impl S3fs {
    pub(crate) fn new(ground: Ground) -> Result<Self> {
        let mount = Mount::new()?;
        let password = mount.beside("password");
        std::fs::write(&password, format!("{}:{}\n", ground.access.access_key, ground.access.secret_key))?;
        std::fs::set_permissions(&password, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        Ok(Self { mount, ground })
    }
}

impl Host for S3fs {
    fn start(&mut self) -> Result<()> {
        let cache = self.mount.cache().display().to_string();
        let password = self.mount.beside("password");
        let mut command = Command::new(program("LARDER_S3FS", "s3fs"));
        command.arg(&self.ground.name).arg(self.mount.path()).arg("-f").arg("-o").arg(format!(
            "url={},use_path_request_style,passwd_file={},use_cache={cache},tmpdir={cache}",
            self.ground.access.endpoint,
            password.display()
        ));
        self.mount.start(&mut command).context("s3fs")
    }

    fn files(&self) -> Result<&dyn Files> {
        self.mount.files()
    }

    fn settle(&self, _: u64, _: u64) -> Result<()> {
        Ok(())
    }

    fn stop(&mut self) -> Result<()> {
        self.mount.stop().context("s3fs")
    }

    fn peak_memory(&self) -> Option<u64> {
        self.mount.peak_memory()
    }

    fn ground(&self) -> Option<&Ground> {
        Some(&self.ground)
    }
}
