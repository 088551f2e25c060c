//! Advisory locks of the guest, by its paths and by numbers; and versions, by
//! which it notices changes.

use std::cell::RefCell;
use std::collections::BTreeMap;

use larder_core::{DescriptorFlags, Error, ErrorCode, Follow, OpenFlags, Result, path_below};

use crate::backend::{self, Descriptor};
use crate::file::OpenFile;
use crate::{Clock, headroom};

const OPERATION: &str = "lock";

thread_local! {
    static HELD: RefCell<Held> = const { RefCell::new(Held { locks: BTreeMap::new(), last: 0 }) };
}

/// What the guest has locked. The store bounds how much that is.
struct Held {
    /// The descriptor keeps the file, and the store's node of it.
    locks: BTreeMap<u64, OpenFile>,
    last: u64,
}

/// The root of the mount at or above an absolute path, and what is below it.
fn find(clock: Clock, path: &str) -> Result<(OpenFile, &str)> {
    let mounts = OpenFile::roots(clock)?.into_iter();
    let found = mounts.filter_map(|(root, mount)| Some((mount.len(), root, path_below(mount, path)?)));
    let found = found.max_by_key(|(length, ..)| *length);
    found.map(|(_, root, rest)| (root, rest)).ok_or_else(|| Error::new(ErrorCode::NoEntry, OPERATION))
}

/// Locks what an absolute path names. Answers the number for [`unlock`] and the
/// fencing token.
///
/// # Errors
/// As `larder_core::Descriptor::try_lock`, and those of the path.
pub fn try_lock(clock: Clock, path: &str, is_shared: bool) -> Result<(u64, u64)> {
    headroom::for_names(OPERATION)?;
    let (root, rest) = find(clock, path)?;
    let file = root.open_at(clock, Follow::Yes, rest, OpenFlags::empty(), DescriptorFlags::READ)?;
    let token = backend::try_lock(file.get()?, clock, is_shared)?;
    HELD.with_borrow_mut(|held| {
        let same = |other: &OpenFile| is_same(&file, other);
        if let Some((id, _)) = held.locks.iter().find(|(_, other)| same(other)) {
            return Ok((*id, token));
        }
        held.last += 1;
        held.locks.insert(held.last, file);
        Ok((held.last, token))
    })
}

fn is_same(one: &OpenFile, other: &OpenFile) -> bool {
    let both: Option<(&Descriptor, &Descriptor)> = one.get().ok().zip(other.get().ok());
    both.is_some_and(|(one, other)| one.is_same_object(other))
}

/// Ends a lock.
///
/// # Errors
/// `no-lock` for a number of none; those of what the guest wrote before.
pub fn unlock(id: u64) -> Result<()> {
    let file = HELD.with_borrow_mut(|held| held.locks.remove(&id));
    let file = file.ok_or_else(|| Error::new(ErrorCode::NoLock, "unlock"))?;
    backend::unlock(file.get()?)
}

/// The version of what an absolute path names.
///
/// # Errors
/// Those of the path.
pub fn version(clock: Clock, path: &str) -> Result<u64> {
    headroom::for_little("version")?;
    let (root, rest) = find(clock, path)?;
    backend::version(root.get()?, rest)
}
