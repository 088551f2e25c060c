//! Counters of a volume: operations by their kind and how they ended, and the
//! bytes that were read and written. Off until somebody asks for them
//! (`Volume::count_operations`), and not there at all without the feature
//! `counters`: a component that carries the store is small.
//!
//! They are told and decide nothing: they order no other memory, and no limit
//! is charged here (`ledger`). Which calls are operations is said where they
//! are made, in `descriptor` and `operation`.

#[cfg(feature = "counters")]
mod counted;
#[cfg(not(feature = "counters"))]
mod uncounted;

#[cfg(feature = "counters")]
pub(crate) use counted::Counters;
#[cfg(feature = "counters")]
pub use counted::{Counts, OperationCount};

use crate::{Result, Volume};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $text:literal,)*) => {
        /// What is counted: the operations of the store, by the names that its
        /// errors have.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum OperationKind {
            $($(#[$doc])* $name,)*
        }

        impl OperationKind {
            /// Every kind, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The kind's name, such as `read-directory`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

kinds! {
    /// Opening by a path, creation and truncation included.
    Open "open",
    /// Creation of a file without opening it.
    Create "create",
    /// What a name names in a directory.
    Lookup "lookup",
    /// Attributes.
    Stat "stat",
    /// The identity of what a path names.
    MetadataHash "metadata-hash",
    /// Reading of content.
    Read "read",
    /// Writing at an offset.
    Write "write",
    /// Writing at the end of file.
    Append "append",
    /// Setting a file's length.
    SetSize "set-size",
    /// Setting times.
    SetTimes "set-times",
    /// Setting permission bits.
    SetMode "set-mode",
    /// Some entries of a directory.
    ReadDirectory "read-directory",
    /// Creating a directory.
    CreateDirectory "create-directory",
    /// Removing a directory.
    RemoveDirectory "remove-directory",
    /// Renaming.
    Rename "rename",
    /// Removing a name of a file.
    Unlink "unlink",
    /// Giving a file another name.
    Link "link",
    /// Creating a symbolic link.
    Symlink "symlink",
    /// The target of a symbolic link.
    ReadLink "readlink",
    /// Making durable what was accepted, asked for by itself.
    Sync "sync",
    /// Taking an advisory lock.
    Lock "lock",
}

impl Volume {
    /// Carries out an operation, and counts it.
    #[inline]
    pub(crate) fn counting<T>(&self, kind: OperationKind, act: impl FnOnce() -> Result<T>) -> Result<T> {
        self.counting_bytes(kind, |_| 0, act)
    }
}
