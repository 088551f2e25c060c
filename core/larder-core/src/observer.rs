//! How persistence follows a volume: asked before a change, told of it in
//! order, waited for before it is acknowledged. What it does with that is a
//! backend's.

use crate::{Context, NodeId, Result, SetTime, Source};

/// What an operation is about to do, before any lock is taken.
#[derive(Clone, Copy, Debug)]
pub enum Proposal<'a> {
    /// A name appears in a directory.
    Name {
        /// The directory.
        directory: NodeId,
        /// The name.
        name: &'a str,
    },
    /// A name moves; what has it is `node`, with all that is below it.
    Move {
        /// What moves.
        node: NodeId,
        /// The directory that gets it.
        to: NodeId,
        /// Its name there.
        to_name: &'a str,
    },
    /// So many bytes are written to a file.
    Content {
        /// The file.
        node: NodeId,
        /// Where the write ends, in bytes from the file's start.
        end: u64,
        /// How many bytes.
        bytes: u64,
    },
    /// Something is removed, or its attributes change.
    Other,
}

/// What was made.
#[derive(Clone, Copy, Debug)]
pub enum Made<'a> {
    /// An empty file.
    File {
        /// Permission bits.
        mode: u32,
    },
    /// An empty directory.
    Directory {
        /// Permission bits.
        mode: u32,
    },
    /// A symbolic link.
    Symlink {
        /// What it holds.
        target: &'a str,
    },
}

/// One change of a volume that was carried out.
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the fields are named as in `Operation`")]
pub enum Change<'a> {
    /// `node` was made under a name; `open`: for somebody who has it open for
    /// writing, and will close it.
    Create { directory: NodeId, name: &'a str, node: NodeId, made: Made<'a>, open: bool },
    /// `node` got another name.
    Link { node: NodeId, directory: NodeId, name: &'a str },
    /// A name of `node` is gone.
    Remove { node: NodeId, directory: NodeId, name: &'a str },
    /// `node` moved, and took the place of `replaced`.
    Rename { node: NodeId, from: NodeId, from_name: &'a str, to: NodeId, to_name: &'a str, replaced: Option<NodeId> },
    /// Bytes were written, or appended at `offset`.
    Write { node: NodeId, offset: u64, data: &'a dyn Source },
    /// The length was set.
    SetSize { node: NodeId, size: u64 },
    /// Times were set. `Now` is the context's.
    SetTimes { node: NodeId, accessed: SetTime, modified: SetTime },
    /// Permission bits were set.
    SetMode { node: NodeId, mode: u32 },
}

/// What kind of operation waits for its change to be settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settling {
    /// Part of the stream of changes to a file that somebody has open.
    Stream(NodeId),
    /// Any other.
    Whole,
}

/// Follows the changes of a volume. The volume works without one.
///
/// What the backend itself brings in ([`Volume::adopt`]) is no change to it:
/// see [`may_adopt`](Self::may_adopt) and [`adopted`](Self::adopted).
///
/// [`Volume::adopt`]: crate::Volume::adopt
pub trait Observer: Send + Sync {
    /// Asked before an operation, with no lock held; may wait, within bounds.
    ///
    /// # Errors
    /// The operation fails with it and changes nothing.
    fn admit(&self, proposal: Proposal<'_>) -> Result<()>;

    /// Told of a change, in the order in which changes happened, with the
    /// locks of the changed inodes held: notes it, and neither waits nor comes
    /// back to the volume.
    fn record(&self, context: &Context, change: Change<'_>);

    /// Waits until what was recorded is as durable as an acknowledged
    /// operation has to be. No lock is held.
    ///
    /// # Errors
    /// The operation fails with it, though it was carried out.
    fn settle(&self, settling: Settling) -> Result<()>;

    /// Somebody closed a file that was open for writing. No lock is held.
    fn closed(&self, node: NodeId);

    /// Somebody is about to open what `name` names in `directory`: brings the
    /// volume up to date with the backend. Answers whether the name may name
    /// something else now. No lock is held.
    ///
    /// # Errors
    /// The opening fails with it.
    fn opening(&self, directory: NodeId, name: &str) -> Result<bool>;

    /// Whether a backend may change what a name names now, `named`: not where
    /// changes were recorded that it does not know of. With the locks of both
    /// held, so that none comes in between.
    fn may_adopt(&self, directory: NodeId, name: &str, named: Option<NodeId>) -> bool {
        let _ = (directory, name, named);
        true
    }

    /// Told of a name that a backend brought in, or took away (`None`); in
    /// order with the changes, and with the locks held, as
    /// [`record`](Self::record).
    fn adopted(&self, directory: NodeId, name: &str, node: Option<NodeId>) {
        let _ = (directory, name, node);
    }
}

/// Lists directories that were adopted without their entries, when somebody
/// first looks into them.
pub trait Lister: Send + Sync {
    /// Fills the directory by [`Volume::adopt_listing`] before it returns. No
    /// lock is held.
    ///
    /// # Errors
    /// Passed on to the operation that looked.
    ///
    /// [`Volume::adopt_listing`]: crate::Volume::adopt_listing
    fn list(&self, directory: NodeId) -> Result<()>;
}
