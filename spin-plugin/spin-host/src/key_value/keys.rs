//! Listing the keys of a store, page by page, while others change it.

use std::sync::Arc;

use larder_core::{Descriptor, DescriptorFlags, ErrorCode, FileType, Follow, OpenFlags};

use super::error::{Result, during};
use super::{KeyValueError, KeyValueStore, names};

/// Entries of a directory that are looked at in one go.
const BATCH: usize = 128;

/// The name of the call in errors.
const OPERATION: &str = "list-keys";

/// A list that is being read. Every key that has a value throughout comes
/// exactly once, in no order that means anything; one that appears meanwhile
/// may come.
///
/// It holds nothing open: directories are opened for each page.
#[derive(Debug)]
pub struct Keys {
    store: Arc<KeyValueStore>,
    /// From the store's directory to the one that is being read; empty at the
    /// end.
    levels: Vec<Level>,
}

#[derive(Debug)]
struct Level {
    /// The directory's path; empty for the store's.
    path: String,
    /// The cookie of the last entry that was read, or whose directory is being
    /// read.
    after: u64,
}

impl Level {
    fn below(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}/{name}", self.path) }
    }
}

impl Keys {
    pub(super) fn new(store: Arc<KeyValueStore>) -> Self {
        Self { store, levels: vec![Level { path: String::new(), after: 0 }] }
    }

    /// Goes on where [`cursor`](Self::cursor) was, as far as that is still
    /// there.
    pub(super) fn behind(store: Arc<KeyValueStore>, cursor: &str) -> Result<Self> {
        let cookies = cursor.split('.').map(|cookie| cookie.parse().ok());
        let cookies: Vec<u64> =
            cookies.take(names::MOST_DIRECTORIES + 2).collect::<Option<_>>().ok_or(KeyValueError::Cursor)?;
        if cookies.len() > names::MOST_DIRECTORIES + 1 {
            return Err(KeyValueError::Cursor);
        }
        let mut keys = Self { store, levels: Vec::with_capacity(cookies.len()) };
        let root = keys.store.root(OPERATION)?;
        let mut path = Some(String::new());
        for cookie in cookies {
            // A directory that is gone has no keys any more.
            let Some(here) = path else { break };
            let level = Level { path: here, after: cookie };
            path = keys.directory_of(&root, &level)?;
            keys.levels.push(level);
        }
        Ok(keys)
    }

    /// The directory that has the level's cookie, if there is one.
    fn directory_of(&self, root: &Descriptor, level: &Level) -> Result<Option<String>> {
        let Some(before) = level.after.checked_sub(1) else { return Ok(None) };
        let Some(directory) = self.open(root, &level.path)? else { return Ok(None) };
        let entry = directory.read_directory(before, 1).map_err(during(OPERATION))?.pop();
        let entry = entry.filter(|entry| entry.cookie == level.after && is_directory(entry));
        Ok(entry.map(|entry| level.below(&entry.name)))
    }

    /// Where the list goes on, for [`KeyValueStore::keys_behind`]; none at the
    /// end.
    #[must_use]
    pub fn cursor(&self) -> Option<String> {
        let cookies: Vec<String> = self.levels.iter().map(|level| level.after.to_string()).collect();
        (!cookies.is_empty()).then(|| cookies.join("."))
    }

    /// Whether no keys are left.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.levels.is_empty()
    }

    /// The next keys: at most `most`, and to the first with which they are
    /// `most_bytes` together. None only at the end.
    ///
    /// # Errors
    /// Those of the volume.
    pub fn page(&mut self, most: usize, most_bytes: usize) -> Result<Vec<String>> {
        let store = Arc::clone(&self.store);
        let _shared = store.share();
        let root = store.root(OPERATION)?;
        let mut page = Page { keys: Vec::new(), left: most, bytes_left: most_bytes };
        while !page.is_full()
            && let Some(level) = self.levels.last()
        {
            let entries = match self.open(&root, &level.path)? {
                Some(directory) => directory.read_directory(level.after, page.left.min(BATCH)),
                None => Ok(Vec::new()),
            };
            let entries = entries.map_err(during(OPERATION))?;
            if entries.is_empty() {
                self.levels.pop();
                continue;
            }
            self.read(&entries, &mut page);
        }
        Ok(page.keys)
    }

    /// Reads entries of the innermost directory, to the first that is a
    /// directory of keys itself.
    fn read(&mut self, entries: &[larder_core::DirectoryEntry], page: &mut Page) {
        for entry in entries {
            let may_go_down = self.levels.len() <= names::MOST_DIRECTORIES;
            let Some(level) = self.levels.last_mut() else { return };
            if page.is_full() {
                return;
            }
            level.after = entry.cookie;
            if is_directory(entry) && may_go_down {
                let path = level.below(&entry.name);
                self.levels.push(Level { path, after: 0 });
                return;
            }
            if entry.file_type == FileType::RegularFile
                && let Some(key) = names::key_of(&level.below(&entry.name))
            {
                page.push(key);
            }
        }
    }

    /// A directory of the store; none where it is gone.
    fn open(&self, root: &Descriptor, path: &str) -> Result<Option<Descriptor>> {
        let path = if path.is_empty() { "." } else { path };
        match root.open_at(self.store.now(), Follow::No, path, OpenFlags::DIRECTORY, DescriptorFlags::READ) {
            Ok(directory) => Ok(Some(directory)),
            Err(error) if matches!(error.code(), ErrorCode::NoEntry | ErrorCode::NotDirectory | ErrorCode::Loop) => {
                Ok(None)
            }
            Err(error) => Err(during(OPERATION)(error)),
        }
    }
}

fn is_directory(entry: &larder_core::DirectoryEntry) -> bool {
    entry.file_type == FileType::Directory && names::is_directory(&entry.name)
}

struct Page {
    keys: Vec<String>,
    left: usize,
    bytes_left: usize,
}

impl Page {
    fn is_full(&self) -> bool {
        self.left == 0 || self.bytes_left == 0
    }

    fn push(&mut self, key: String) {
        self.left = self.left.saturating_sub(1);
        self.bytes_left = self.bytes_left.saturating_sub(super::charge(key.len()));
        self.keys.push(key);
    }
}
