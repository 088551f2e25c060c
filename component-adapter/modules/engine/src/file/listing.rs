//! Reading a directory page by page while others change it.

use std::cell::RefCell;

use larder_core::{DirectoryEntry, ENTRY_BYTES, Result};

use super::OpenFile;
use crate::backend::Descriptor;
use crate::headroom;
use crate::limits::DIRECTORY_BATCH;

/// A directory that is being listed: an open directory of its own, which the
/// volume counts, and where it goes on.
///
/// Names that appear meanwhile come behind those that were there. So that a
/// guest which adds names as it lists does not list for ever, the listing ends
/// after as many entries as there can have been at its start.
pub struct Listing {
    directory: Descriptor,
    state: RefCell<State>,
}

struct State {
    /// The cookie of the last entry that was read.
    after: u64,
    /// Entries that may still come.
    left: u64,
    batch: std::vec::IntoIter<DirectoryEntry>,
}

impl Listing {
    /// Starts a listing; refuses what is not a readable directory.
    ///
    /// # Errors
    /// Those of [`Descriptor::read_directory`]; `quota`;
    /// `insufficient-space`.
    pub fn open(file: &OpenFile) -> Result<Self> {
        headroom::for_little("read-directory")?;
        let directory = file.get()?;
        directory.read_directory(0, 1)?;
        // A directory's size is what its entries are charged, each for
        // `ENTRY_BYTES` and a name of at least one byte.
        let left = directory.stat()?.size / (ENTRY_BYTES + 1);
        let state = State { after: 0, left, batch: Vec::new().into_iter() };
        Ok(Self { directory: directory.dup()?, state: RefCell::new(state) })
    }

    /// The next entry; `None` at the end.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn next_entry(&self) -> Result<Option<DirectoryEntry>> {
        let state = &mut *self.state.borrow_mut();
        if let Some(entry) = state.batch.next() {
            return Ok(Some(entry));
        }
        headroom::for_little("read-directory")?;
        let wanted = usize::try_from(state.left).map_or(DIRECTORY_BATCH, |left| left.min(DIRECTORY_BATCH));
        let page = self.directory.read_directory(state.after, wanted)?;
        // What ended stays ended, also when names appear later.
        state.left = if page.len() < wanted { 0 } else { state.left.saturating_sub(page.len() as u64) };
        if let Some(last) = page.last() {
            state.after = last.cookie;
        }
        state.batch = page.into_iter();
        Ok(state.batch.next())
    }
}
