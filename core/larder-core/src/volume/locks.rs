//! Locking several inodes at once, in ascending inode number.

use std::sync::Arc;

use crate::inode::{Inode, State};
use crate::sync::RwLockWriteGuard;

/// The most inodes that one operation changes: a rename's two directories,
/// the inode that moves and the one that it replaces.
const MOST: usize = 4;

/// Write locks of up to four inodes, taken in ascending inode number; naming
/// one twice is fine.
pub(super) struct LockSet<'a> {
    held: [Option<(u64, RwLockWriteGuard<'a, State>)>; MOST],
}

impl<'a> LockSet<'a> {
    pub(super) fn new<const N: usize>(inodes: [&'a Arc<Inode>; N]) -> Self {
        const { assert!(N <= MOST) };
        let mut sorted = inodes;
        sorted.sort_unstable_by_key(|inode| inode.ino());
        let mut held = [const { None }; MOST];
        let mut last = None;
        for (slot, inode) in held.iter_mut().zip(sorted) {
            if last != Some(inode.ino()) {
                *slot = Some((inode.ino(), inode.write()));
                last = Some(inode.ino());
            }
        }
        Self { held }
    }

    /// The state of an inode of the set.
    #[expect(clippy::panic, reason = "asking for an inode that was not locked is a bug of the caller, not of a guest")]
    pub(super) fn get(&mut self, inode: &Inode) -> &mut State {
        let ino = inode.ino();
        let Some((_, state)) = self.held.iter_mut().flatten().find(|(held, _)| *held == ino) else {
            panic!("inode {ino} is not in the lock set");
        };
        state
    }
}
