//! The inode store of Larder.
//!
//! A [`Volume`] holds inodes; a [`View`] grants a sub-directory of it with
//! [`Rights`]; a [`Descriptor`] is an open description inside a view, with the
//! semantics of `wasi:filesystem/types.descriptor`. [`Operation`] is the same
//! set of operations as plain values, for the wire, the journal and the
//! reference model.
//!
//! This crate knows no runtime, operating system, network or clock: callers
//! pass the time in. It builds natively and for wasm32.
#![forbid(unsafe_code)]

mod advisory;
mod content;
mod counters;
mod descriptor;
mod directory;
mod error;
mod inode;
mod ledger;
mod limits;
mod observer;
mod operation;
mod snapshot;
mod sync;
mod tree;
mod types;
mod view;
mod volume;

pub use advisory::{LockOwner, MOST_LOCKS};
pub use content::{CHUNK_BYTES, ChunkState, Chunks, Eviction, FrozenContent, PAGE_BYTES, Source, Stretch, chunks_of};
pub use counters::OperationKind;
#[cfg(feature = "counters")]
pub use counters::{Counts, OperationCount};
pub use descriptor::{Descriptor, DescriptorFlags, Follow, MetadataHash, OpenFlags};
pub use directory::{DirectoryEntry, ENTRY_BYTES};
pub use error::{Error, ErrorCode, ErrorKind, Result};
pub use limits::{Limits, Usage};
pub use observer::{Change, Lister, Made, Observer, Proposal, Settling};
pub use operation::{Backend, MOST_LISTED_ENTRIES, Operation, Pending, Reply};
pub use snapshot::{SnapshotError, read_snapshot};
pub use tree::{TreeNode, TreeSource, TreeTotals};
pub use types::{Attributes, Context, FileType, NodeId, SetTime, Timestamp};
pub use view::{Rights, View, path_below};
pub use volume::{Adopted, AdoptedEntry, ContentSource, Durability, Snapshot, Volume, VolumeOptions};
