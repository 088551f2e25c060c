//! Files of a volume in this process, by the calls that the forms make.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use larder_core::{Descriptor, DescriptorFlags, FileType, Follow, OpenFlags, Rights, Timestamp, View, Volume};

use super::{Entry, Files, OpenFile};

/// The root of a volume.
pub(crate) struct InProcess(Descriptor);

impl InProcess {
    pub(crate) fn new(volume: &Arc<Volume>) -> Result<Self> {
        Ok(Self(View::new(volume, Rights::READ_WRITE)?.root()?))
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp { seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX), nanoseconds: since.subsec_nanos() }
}

impl Files for InProcess {
    fn make_directory(&self, path: &str) -> Result<()> {
        Ok(self.0.create_directory_at(now(), path)?)
    }

    fn create(&self, path: &str) -> Result<Box<dyn OpenFile>> {
        let flags = OpenFlags::CREATE | OpenFlags::TRUNCATE;
        Ok(Box::new(self.0.open_at(now(), Follow::Yes, path, flags, DescriptorFlags::WRITE)?))
    }

    fn open(&self, path: &str) -> Result<Box<dyn OpenFile>> {
        Ok(Box::new(self.0.open_at(now(), Follow::Yes, path, OpenFlags::empty(), DescriptorFlags::READ)?))
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>> {
        let path = if path.is_empty() { "." } else { path };
        let directory = self.0.open_at(now(), Follow::Yes, path, OpenFlags::DIRECTORY, DescriptorFlags::READ)?;
        let entries = directory.read_directory(0, usize::MAX)?.into_iter();
        let entry = |entry: larder_core::DirectoryEntry| Entry {
            name: entry.name.to_string(),
            is_directory: entry.file_type == FileType::Directory,
        };
        Ok(entries.map(entry).collect())
    }

    fn size(&self, path: &str) -> Result<u64> {
        Ok(self.0.stat_at(Follow::Yes, path)?.size)
    }

    fn rename(&self, path: &str, to: &str) -> Result<()> {
        Ok(self.0.rename_at(now(), path, &self.0, to)?)
    }

    fn remove(&self, path: &str) -> Result<()> {
        Ok(self.0.unlink_file_at(now(), path)?)
    }
}

impl OpenFile for Descriptor {
    fn write(&mut self, offset: u64, data: &[u8]) -> Result<()> {
        Descriptor::write(self, now(), offset, data)?;
        Ok(())
    }

    fn read(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        self.touch_read(now());
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.read_into(offset + done as u64, rest)? {
                0 => break,
                count => done += count,
            }
        }
        Ok(done)
    }

    fn sync(&mut self) -> Result<()> {
        Ok(Descriptor::sync(self)?)
    }
}
