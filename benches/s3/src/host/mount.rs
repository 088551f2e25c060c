//! What all mounted peers have: a mount point, a cache and a process.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::keeper::{Keeper, is_mounted};
use crate::files::{Files, Mounted};

/// A mount point, a cache and a process.
pub(crate) struct Mount {
    keeper: Option<Keeper>,
    files: Mounted,
    /// `None` only while it is dropped.
    directory: Option<TempDir>,
    cache: PathBuf,
    log: PathBuf,
}

impl Mount {
    pub(crate) fn new() -> Result<Self> {
        let directory = TempDir::with_prefix("larder-bench-s3-")?;
        let root = directory.path().canonicalize()?;
        let (cache, log, mount) = (root.join("cache"), root.join("log"), root.join("mount"));
        std::fs::create_dir(&mount)?;
        Ok(Self { keeper: None, files: Mounted(mount), directory: Some(directory), cache, log })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.files.0
    }

    /// A directory that is empty at each start.
    pub(crate) fn cache(&self) -> &Path {
        &self.cache
    }

    /// A path for what stays.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.cache.with_file_name(name)
    }

    pub(crate) fn start(&mut self, command: &mut Command) -> Result<()> {
        self.empty_cache()?;
        // The peers take their own variables and options; what is there for
        // other tools irritates them.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
            command.env_remove(name);
        }
        self.keeper = Some(Keeper::start(command, self.path(), &self.log)?);
        Ok(())
    }

    pub(crate) fn files(&self) -> Result<&dyn Files> {
        self.keeper.as_ref().context("it is not mounted")?;
        Ok(&self.files)
    }

    pub(crate) fn stop(&mut self) -> Result<()> {
        self.keeper.take().map_or(Ok(()), Keeper::stop)?;
        self.empty_cache()
    }

    fn empty_cache(&self) -> Result<()> {
        if self.cache.exists() {
            std::fs::remove_dir_all(&self.cache).context("the cache cannot be removed")?;
        }
        Ok(std::fs::create_dir(&self.cache)?)
    }

    pub(crate) fn peak_memory(&self) -> Option<u64> {
        self.keeper.as_ref()?.peak_memory()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        self.keeper = None;
        let directory = self.directory.take();
        // Never removes what is in a bucket.
        if is_mounted(self.path()).unwrap_or(true)
            && let Some(directory) = directory
        {
            crate::say(&format!("{} stays mounted, and its directory", directory.keep().display()));
        }
    }
}
