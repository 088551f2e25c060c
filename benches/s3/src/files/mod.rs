//! Files as a program sees them, mounted or in this process.

mod in_process;
mod mounted;

use anyhow::Result;

pub(crate) use in_process::InProcess;
pub(crate) use mounted::Mounted;

/// A tree of files. Paths are relative to its root.
pub(crate) trait Files: Sync {
    fn make_directory(&self, path: &str) -> Result<()>;
    /// Makes an empty file to be written.
    fn create(&self, path: &str) -> Result<Box<dyn OpenFile>>;
    /// Opens a file to be read.
    fn open(&self, path: &str) -> Result<Box<dyn OpenFile>>;
    /// The entries of a directory; the root is the empty path.
    fn list(&self, path: &str) -> Result<Vec<Entry>>;
    fn size(&self, path: &str) -> Result<u64>;
    fn rename(&self, path: &str, to: &str) -> Result<()>;
    fn remove(&self, path: &str) -> Result<()>;
}

/// A file that is open; dropping it closes it.
pub(crate) trait OpenFile {
    fn write(&mut self, offset: u64, data: &[u8]) -> Result<()>;
    /// Fills the buffer up to the file's end; answers how much that is.
    fn read(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize>;
    fn sync(&mut self) -> Result<()>;
}

/// An entry of a directory.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) is_directory: bool,
}
