//! Reading a directory page by page while others change it.

use larder_core::{Descriptor as File, DirectoryEntry, ENTRY_BYTES};

use crate::limits::DIRECTORY_BATCH;

/// A directory that is being listed: an open directory of its own (which the
/// volume counts), and where it goes on.
///
/// Names that appear meanwhile come behind those that were there. So that a
/// guest which adds names as it lists does not list for ever, the listing ends
/// after as many entries as there can have been at its start.
pub(crate) struct Listing {
    directory: File,
    /// The cookie of the last entry that was read.
    after: u64,
    /// Entries that may still come.
    left: u64,
}

impl Listing {
    /// Starts a listing; refuses what is not a readable directory.
    pub(crate) fn open(directory: &File) -> larder_core::Result<Self> {
        directory.read_directory(0, 1)?;
        // A directory's size is what its entries are charged, each for
        // `ENTRY_BYTES` and a name of at least one byte.
        let left = directory.stat()?.size / (ENTRY_BYTES + 1);
        Ok(Self { directory: directory.dup()?, after: 0, left })
    }

    /// The next entries, at most `wanted`; fewer than that at the end.
    pub(crate) fn page(&mut self, wanted: usize) -> larder_core::Result<Vec<DirectoryEntry>> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(wanted).min(DIRECTORY_BATCH);
        let page = self.directory.read_directory(self.after, wanted)?;
        // What ended stays ended, also when names appear later.
        self.left = if page.len() < wanted { 0 } else { self.left.saturating_sub(page.len() as u64) };
        if let Some(last) = page.last() {
            self.after = last.cookie;
        }
        Ok(page)
    }
}
