//! Files below a mount point.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::{Entry, Files, OpenFile};

/// Files below a mount point.
pub(crate) struct Mounted(pub(crate) PathBuf);

impl Files for Mounted {
    fn make_directory(&self, path: &str) -> Result<()> {
        fs::create_dir(self.0.join(path)).with_context(|| format!("mkdir {path}"))
    }

    fn create(&self, path: &str) -> Result<Box<dyn OpenFile>> {
        Ok(Box::new(File::create(self.0.join(path)).with_context(|| format!("create {path}"))?))
    }

    fn open(&self, path: &str) -> Result<Box<dyn OpenFile>> {
        Ok(Box::new(File::open(self.0.join(path)).with_context(|| format!("open {path}"))?))
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>> {
        let listed = fs::read_dir(self.0.join(path)).with_context(|| format!("list {path}"))?;
        let entry = |entry: std::io::Result<fs::DirEntry>| {
            let entry = entry?;
            let is_directory = entry.file_type()?.is_dir();
            Ok(Entry { name: entry.file_name().to_string_lossy().into_owned(), is_directory })
        };
        listed.map(entry).collect::<std::io::Result<_>>().with_context(|| format!("list {path}"))
    }

    fn size(&self, path: &str) -> Result<u64> {
        Ok(fs::metadata(self.0.join(path)).with_context(|| format!("stat {path}"))?.len())
    }

    fn rename(&self, path: &str, to: &str) -> Result<()> {
        fs::rename(self.0.join(path), self.0.join(to)).with_context(|| format!("rename {path}"))
    }

    fn remove(&self, path: &str) -> Result<()> {
        fs::remove_file(self.0.join(path)).with_context(|| format!("remove {path}"))
    }
}

impl OpenFile for File {
    fn write(&mut self, offset: u64, data: &[u8]) -> Result<()> {
        self.write_all_at(data, offset).context("write")
    }

    fn read(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.read_at(rest, offset + done as u64).context("read")? {
                0 => break,
                count => done += count,
            }
        }
        Ok(done)
    }

    fn sync(&mut self) -> Result<()> {
        self.sync_all().context("fsync")
    }
}
