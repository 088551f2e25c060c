//! The lock types of this crate, in one place so that the `shuttle` feature
//! can swap them for ones whose schedules a test explores.
//!
//! # Lock order
//!
//! 1. the volume's freeze gate (`Volume::gate`), shared by mutations;
//! 2. the topology lock (`Volume::topology`), held while a directory moves
//!    between parents;
//! 3. the reserve of a packed tree (`volume::listing`), held while a directory
//!    of it becomes inodes; or `Volume::filling`, while one that was adopted
//!    gets its entries;
//! 4. inode locks, in ascending inode number (see `volume::locks`); that of an
//!    inode which is in no table yet at any time;
//! 5. leaves: the shards of the inode and handle tables, the table of advisory
//!    locks. No other lock is taken while one is held.
//!
//! No lock is held across I/O, a [`ContentSource`](crate::ContentSource), a
//! [`TreeSource`](crate::TreeSource), a [`Durability`](crate::Durability) hook or
//! a call into a guest. A [`Source`](crate::Source) only copies, and is called
//! with its file's lock held.

#[cfg(not(feature = "shuttle"))]
pub(crate) use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
#[cfg(not(feature = "shuttle"))]
pub(crate) use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(feature = "shuttle")]
pub(crate) use self::explored::{Mutex, RwLock};
#[cfg(feature = "shuttle")]
pub(crate) use shuttle::sync::atomic::{AtomicU64, Ordering};
#[cfg(feature = "shuttle")]
pub(crate) use shuttle::sync::{RwLockReadGuard, RwLockWriteGuard};

#[cfg(feature = "shuttle")]
mod explored {
    //! shuttle's locks with parking_lot's signatures. Poisoning only follows
    //! a panic, which already fails the exploration.
    #![allow(clippy::unwrap_used, reason = "only built for schedule exploration")]
    use shuttle::sync as inner;

    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(inner::Mutex<T>);
    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(inner::Mutex::new(value))
        }
        pub(crate) fn lock(&self) -> inner::MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }
    }

    #[derive(Debug, Default)]
    pub(crate) struct RwLock<T>(inner::RwLock<T>);
    impl<T> RwLock<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(inner::RwLock::new(value))
        }
        pub(crate) fn read(&self) -> inner::RwLockReadGuard<'_, T> {
            self.0.read().unwrap()
        }
        pub(crate) fn write(&self) -> inner::RwLockWriteGuard<'_, T> {
            self.0.write().unwrap()
        }
    }
}
