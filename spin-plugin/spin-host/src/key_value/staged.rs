//! Writing a value: to a new file, which then takes the place of the old one.

use std::sync::atomic::{AtomicU64, Ordering};

use larder_core::{Descriptor, DescriptorFlags, ErrorCode, Follow, OpenFlags};

use super::error::{Result, during};
use super::{KeyValueError, KeyValueStore, MOST_VALUE_BYTES, names};

/// How often the directories above a file are made again when they are gone
/// before the file is in them: only somebody outside of this process removes
/// them meanwhile.
const ATTEMPTS: usize = 8;

/// Names for new files that nobody else has: neither another process that has
/// the same remote volume, nor one that left some behind.
#[derive(Debug)]
pub(super) struct NewNames {
    life: u64,
    next: AtomicU64,
}

impl NewNames {
    pub(super) fn new() -> Self {
        Self { life: fastrand::u64(..), next: AtomicU64::new(0) }
    }

    fn next(&self) -> String {
        format!("{}{:016x}-{:x}", names::NEW, self.life, self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// A value in a file that is no key's yet. Dropping it removes the file, unless
/// it was put in place.
pub(super) struct Staged<'s> {
    store: &'s KeyValueStore,
    root: &'s Descriptor,
    name: String,
    is_placed: bool,
    operation: &'static str,
}

impl<'s> Staged<'s> {
    /// Writes a value. Nobody sees it yet, so no lock is needed.
    pub(super) fn write(
        store: &'s KeyValueStore,
        root: &'s Descriptor,
        value: &[u8],
        operation: &'static str,
    ) -> Result<Self> {
        if value.len() > MOST_VALUE_BYTES {
            return Err(KeyValueError::ValueTooLong);
        }
        let name = store.new_names.next();
        let open = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
        let file =
            root.open_at(store.now(), Follow::No, &name, open, DescriptorFlags::WRITE).map_err(during(operation))?;
        let staged = Self { store, root, name, is_placed: false, operation };
        file.write(store.now(), 0, value).map_err(during(operation))?;
        Ok(staged)
    }

    /// Makes it the value of the key whose file has this path. The store's
    /// lock is held.
    pub(super) fn place(mut self, path: &str) -> Result<()> {
        let mut placed = self.rename(path);
        for _ in 1..ATTEMPTS {
            match placed {
                Err(error) if error.code() == ErrorCode::NoEntry => placed = self.rename(path),
                _ => break,
            }
        }
        match placed {
            Ok(()) => self.is_placed = true,
            Err(_) => self.store.prune(self.root, path),
        }
        placed.map_err(during(self.operation))
    }

    fn rename(&self, path: &str) -> larder_core::Result<()> {
        let now = self.store.now();
        for directory in names::directories(path) {
            match self.root.create_directory_at(now, directory) {
                Err(error) if error.code() != ErrorCode::Exist => return Err(error),
                _ => {}
            }
        }
        self.root.rename_at(now, &self.name, self.root, path)
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        if !self.is_placed {
            // It may not be there; a file that stays is nobody's value.
            let _ = self.root.unlink_file_at(self.store.now(), &self.name);
        }
    }
}
