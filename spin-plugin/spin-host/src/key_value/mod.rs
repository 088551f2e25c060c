//! Key-value stores that are directories of volumes: one file for each key.
//!
//! What lives here: the file of a key (`names`), atomic writes (`staged`),
//! lists (`keys`), and what is atomic towards whom. What does not: the
//! interfaces by which guests ask, and which guest may open which store.
//!
//! # Atomicity
//!
//! A value is written to a new file, which then takes the old one's place
//! (`rename`): whoever reads has the old value or the new one, whole. What
//! looks at a value and then changes it ([`increment`], [`swap`]) and a batch
//! hold the store's lock from the look to the change. The lock is that of one
//! [`KeyValueStore`]: **all who use a directory share one**, and then these are
//! atomic towards each other, whatever instances ask. The lock does not reach
//! beyond the process: a volume in a bucket, that another process has as well,
//! has whole values all the same, but two processes that increment one key can
//! count one step for both. Nor does it hold up a guest that has the directory
//! mounted and changes files itself.
//!
//! On a volume in a bucket with `write=through`, the new file and the rename
//! are requests of their own; with `write=async`, a value is one.
//!
//! The lock stands above all of the core's, and is held over the I/O of a
//! volume that has some. No guest is called meanwhile.
//!
//! [`increment`]: KeyValueStore::increment
//! [`swap`]: KeyValueStore::swap

mod error;
mod keys;
mod names;
mod staged;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use larder_core::{Descriptor, DescriptorFlags, ErrorCode, FileType, Follow, NodeId, OpenFlags, Timestamp, View};
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::runtime::{Handle, RuntimeFlavor};

use error::during;
pub use error::{KeyValueError, Result};
pub use keys::Keys;
use staged::{NewNames, Staged};

/// Most bytes of a key, in UTF-8: 1024. Three bytes of path for each of them
/// are within a volume's 4096.
pub const MOST_KEY_BYTES: usize = 1024;

/// Most bytes of a value: 64 MiB. Guards the host's memory, in which a value is
/// twice for a moment, as the guest's list and as the file. It is half of what
/// Wasmtime, in its default, lets a guest hand over in one call, so that
/// longer values are an error before they are a trap.
pub const MOST_VALUE_BYTES: usize = 64 << 20;

/// Most bytes of all that a call answers, keys and values together, each with
/// 24 besides: 64 MiB. Guards the host's memory against
/// batches and lists that are longer than what they ask with.
pub const MOST_ANSWER_BYTES: usize = 64 << 20;

/// Most keys in a batch: 65,536. Guards the time for which a batch holds the
/// store's lock.
pub const MOST_BATCH_KEYS: usize = 1 << 16;

/// Where the times of files come from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What a key or a value in an answer is charged: its bytes, and what it takes
/// in a list.
const fn charge(bytes: usize) -> usize {
    bytes.saturating_add(size_of::<String>())
}

/// A key-value store: a directory of a volume.
///
/// Those who use one directory share one of these; see the [module](self) for
/// why.
pub struct KeyValueStore {
    view: View,
    clock: Clock,
    syncs: bool,
    new_names: NewNames,
    /// Shared by those who read, exclusive for a change.
    lock: RwLock<()>,
}

impl fmt::Debug for KeyValueStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyValueStore")
            .field("volume", &self.view.volume().name())
            .field("rights", &self.view.rights())
            .finish_non_exhaustive()
    }
}

/// What a key had when it was looked at: a value is never changed, but
/// replaced by another file, so that the file tells one value from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(Option<(NodeId, u64)>);

impl KeyValueStore {
    /// The store that is the directory of a view. A view that is read-only
    /// makes a store that is.
    #[must_use]
    pub fn new(view: View, clock: Clock) -> Self {
        Self { view, clock, syncs: false, new_names: NewNames::new(), lock: RwLock::new(()) }
    }

    /// Makes every change as durable as the volume's configuration promises
    /// before the call returns, as if the guest, which has no call for it, had
    /// synced. Without this, changes are *accepted*: in memory.
    #[must_use]
    pub fn syncing(mut self) -> Self {
        self.syncs = true;
        self
    }

    /// The value of a key, if it has one.
    ///
    /// # Errors
    /// As [`KeyValueError`] says.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.look(key)?.1)
    }

    /// Whether a key has a value.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn exists(&self, key: &str) -> Result<bool> {
        Ok(self.version(key)? != Version(None))
    }

    /// Gives a key a value, in the place of the one that it has.
    ///
    /// # Errors
    /// As [`get`](Self::get); the key has the old value then.
    pub fn set(&self, key: &str, value: &[u8]) -> Result<()> {
        let path = names::path_of(key)?;
        let root = self.root("set")?;
        let staged = Staged::write(self, &root, value, "set")?;
        {
            let _exclusive = self.exclude();
            staged.place(&path)?;
        }
        self.changed()
    }

    /// Takes a key's value away, if it has one.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn delete(&self, key: &str) -> Result<()> {
        let path = names::path_of(key)?;
        {
            let _exclusive = self.exclude();
            self.remove(&path)?;
        }
        self.changed()
    }

    /// All keys, to be read page by page.
    #[must_use]
    pub fn keys(self: &Arc<Self>) -> Keys {
        Keys::new(Arc::clone(self))
    }

    /// The keys behind a cursor of [`Keys::cursor`].
    ///
    /// # Errors
    /// [`KeyValueError::Cursor`], and those of the volume.
    pub fn keys_behind(self: &Arc<Self>, cursor: &str) -> Result<Keys> {
        Keys::behind(Arc::clone(self), cursor)
    }

    /// The values of several keys at one moment, in their order.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>> {
        check_batch(keys.len())?;
        let paths = keys.iter().map(|key| names::path_of(key)).collect::<Result<Vec<_>>>()?;
        let mut left = MOST_ANSWER_BYTES;
        let _shared = self.share();
        let mut values = Vec::with_capacity(paths.len());
        for (key, path) in keys.iter().zip(&paths) {
            let value = match self.open(path, "get")? {
                Some(file) => {
                    let length = length(&file, "get")?;
                    left = less(left, length)?;
                    Some(content(&file, length, "get")?)
                }
                None => None,
            };
            left = less(left, key.len())?;
            values.push(value);
        }
        Ok(values)
    }

    /// Gives several keys values at one moment. Of a key that comes twice, the
    /// last counts.
    ///
    /// # Errors
    /// As [`get`](Self::get). All values are written before the first takes
    /// its place: where one is too long, or the volume is full, no key has
    /// changed. Only an error of the volume in the middle of the renames can
    /// leave some changed.
    pub fn set_many(&self, values: &[(String, Vec<u8>)]) -> Result<()> {
        const OPERATION: &str = "set-many";
        check_batch(values.len())?;
        let paths = values.iter().map(|(key, _)| names::path_of(key)).collect::<Result<Vec<_>>>()?;
        let root = self.root(OPERATION)?;
        let staged = values.iter().map(|(_, value)| Staged::write(self, &root, value, OPERATION));
        let staged = staged.collect::<Result<Vec<_>>>()?;
        {
            let _exclusive = self.exclude();
            for (staged, path) in staged.into_iter().zip(&paths) {
                staged.place(path)?;
            }
        }
        self.changed()
    }

    /// Takes the values of several keys away at one moment.
    ///
    /// # Errors
    /// As [`get`](Self::get). An error of the volume can leave some changed.
    pub fn delete_many(&self, keys: &[String]) -> Result<()> {
        check_batch(keys.len())?;
        let paths = keys.iter().map(|key| names::path_of(key)).collect::<Result<Vec<_>>>()?;
        {
            let _exclusive = self.exclude();
            paths.iter().try_for_each(|path| self.remove(path))?;
        }
        self.changed()
    }

    /// Adds to the number that a key has, 0 if it has none, and answers the
    /// sum. A number is 8 bytes, little-endian, as Spin's own store has it.
    ///
    /// # Errors
    /// [`KeyValueError::NotANumber`], [`KeyValueError::Overflow`]; as
    /// [`get`](Self::get).
    pub fn increment(&self, key: &str, delta: i64) -> Result<i64> {
        const OPERATION: &str = "increment";
        let path = names::path_of(key)?;
        let sum = {
            let _exclusive = self.exclude();
            let number = match self.open(&path, OPERATION)? {
                Some(file) => {
                    let length = length(&file, OPERATION)?;
                    if length != size_of::<i64>() {
                        return Err(KeyValueError::NotANumber);
                    }
                    let bytes = content(&file, length, OPERATION)?;
                    i64::from_le_bytes(bytes.try_into().map_err(|_| KeyValueError::NotANumber)?)
                }
                None => 0,
            };
            let sum = number.checked_add(delta).ok_or(KeyValueError::Overflow)?;
            let root = self.root(OPERATION)?;
            Staged::write(self, &root, &sum.to_le_bytes(), OPERATION)?.place(&path)?;
            sum
        };
        self.changed()?;
        Ok(sum)
    }

    /// What a key has now, to be compared later.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn version(&self, key: &str) -> Result<Version> {
        let path = names::path_of(key)?;
        let _shared = self.share();
        self.version_of(&path, "stat")
    }

    /// The value of a key, if it has one, and its version.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn look(&self, key: &str) -> Result<(Version, Option<Vec<u8>>)> {
        const OPERATION: &str = "get";
        let path = names::path_of(key)?;
        let file = {
            let _shared = self.share();
            self.open(&path, OPERATION)?
        };
        let Some(file) = file else { return Ok((Version(None), None)) };
        // The file stays as it is, whatever takes its place. Were it changed by
        // others, the version would be of before, and a swap would fail.
        let attributes = file.stat().map_err(during(OPERATION))?;
        let value = content(&file, length(&file, OPERATION)?, OPERATION)?;
        Ok((Version(Some((attributes.id, attributes.version))), Some(value)))
    }

    /// Gives a key a value if it still has the version that was looked at, and
    /// answers whether it had.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn swap(&self, key: &str, version: Version, value: &[u8]) -> Result<bool> {
        const OPERATION: &str = "swap";
        let path = names::path_of(key)?;
        let root = self.root(OPERATION)?;
        let staged = Staged::write(self, &root, value, OPERATION)?;
        {
            let _exclusive = self.exclude();
            if self.version_of(&path, OPERATION)? != version {
                return Ok(false);
            }
            staged.place(&path)?;
        }
        self.changed()?;
        Ok(true)
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    fn root(&self, operation: &'static str) -> Result<Descriptor> {
        self.view.root().map_err(during(operation))
    }

    /// A change is done: makes it durable if the store is to.
    fn changed(&self) -> Result<()> {
        if self.syncs { self.view.volume().sync().map_err(KeyValueError::NotStored) } else { Ok(()) }
    }

    fn share(&self) -> RwLockReadGuard<'_, ()> {
        self.lock.try_read().unwrap_or_else(|| may_block(|| self.lock.read()))
    }

    fn exclude(&self) -> RwLockWriteGuard<'_, ()> {
        self.lock.try_write().unwrap_or_else(|| may_block(|| self.lock.write()))
    }

    /// The file at a key's path; none where there is none.
    fn open(&self, path: &str, operation: &'static str) -> Result<Option<Descriptor>> {
        let root = self.root(operation)?;
        match root.open_at(self.now(), Follow::No, path, OpenFlags::empty(), DescriptorFlags::READ) {
            Ok(file) => Ok((file.file_type() == FileType::RegularFile).then_some(file)),
            Err(error) if is_missing(error.code()) => Ok(None),
            Err(error) => Err(during(operation)(error)),
        }
    }

    fn version_of(&self, path: &str, operation: &'static str) -> Result<Version> {
        match self.root(operation)?.stat_at(Follow::No, path) {
            Ok(file) if file.file_type == FileType::RegularFile => Ok(Version(Some((file.id, file.version)))),
            Ok(_) => Ok(Version(None)),
            Err(error) if is_missing(error.code()) => Ok(Version(None)),
            Err(error) => Err(during(operation)(error)),
        }
    }

    /// Removes a key's file; the lock is held.
    fn remove(&self, path: &str) -> Result<()> {
        let root = self.root("delete")?;
        match root.unlink_file_at(self.now(), path) {
            Ok(()) => self.prune(&root, path),
            Err(error) if is_missing(error.code()) => {}
            Err(error) => return Err(during("delete")(error)),
        }
        Ok(())
    }

    /// Removes the directories above a key's file that have nothing in them.
    fn prune(&self, root: &Descriptor, path: &str) {
        for directory in names::directories(path).rev() {
            match root.remove_directory_at(self.now(), directory) {
                Err(error) if error.code() != ErrorCode::NoEntry => {
                    // Not empty, most of the time. One that stays is in
                    // nobody's way.
                    return;
                }
                _ => {}
            }
        }
    }
}

/// Whether a path with this error has no value.
fn is_missing(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::NoEntry | ErrorCode::NotDirectory | ErrorCode::Loop)
}

fn check_batch(keys: usize) -> Result<()> {
    if keys > MOST_BATCH_KEYS { Err(KeyValueError::BatchTooLong) } else { Ok(()) }
}

/// What is left of an answer's bound.
fn less(left: usize, bytes: usize) -> Result<usize> {
    left.checked_sub(charge(bytes)).ok_or(KeyValueError::AnswerTooLong)
}

/// A file's length, if it is one of a value.
fn length(file: &Descriptor, operation: &'static str) -> Result<usize> {
    let length = usize::try_from(file.size().map_err(during(operation))?).ok();
    length.filter(|length| *length <= MOST_VALUE_BYTES).ok_or(KeyValueError::ValueTooLong)
}

/// Up to `length` bytes of a file.
fn content(file: &Descriptor, length: usize, operation: &'static str) -> Result<Vec<u8>> {
    let mut value = Vec::with_capacity(length);
    while value.len() < length {
        let (at, wanted) = (value.len() as u64, length - value.len());
        if file.read_with(at, wanted, |piece| value.extend_from_slice(piece)).map_err(during(operation))? == 0 {
            // Others cut it off meanwhile.
            break;
        }
    }
    Ok(value)
}

/// Waits for others on a thread that the runtime's tasks do not need: the one
/// who is waited for may need them.
fn may_block<T>(wait: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(wait),
        _ => wait(),
    }
}
