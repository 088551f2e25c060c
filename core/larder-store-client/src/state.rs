//! What a client keeps for each inode that is open, and for each opening.

use std::collections::VecDeque;

use larder_core::{DirectoryEntry, ErrorCode};
use larder_store_service::{Attributes, Node};

use crate::content::{Cached, Pending};

/// One inode, or a file that is not created yet. All descriptors of an inode
/// share it, so that a guest sees its own writes.
#[derive(Debug, Default)]
pub(crate) struct Inode {
    /// Absent as long as the file is not created.
    pub(crate) attributes: Option<Attributes>,
    /// The attributes came with an answer and answered no question yet.
    pub(crate) fresh: bool,
    pub(crate) cached: Cached,
    /// The version that the cached content is of, unless the guest changed it
    /// since.
    pub(crate) cached_version: Option<u64>,
    pub(crate) pending: Pending,
    /// Changes were sent whose failure was not asked for yet.
    pub(crate) unconfirmed: bool,
    /// The node through which pending writes go to the store.
    pub(crate) writer: Option<Node>,
    /// The creation that is deferred.
    pub(crate) creation: Option<Creation>,
    /// What became of a deferred creation that failed: the answer to all
    /// calls.
    pub(crate) broken: Option<ErrorCode>,
    /// The failure of a deferred write that nobody was told of yet.
    pub(crate) unreported: Option<ErrorCode>,
    /// Openings of it.
    pub(crate) opens: u32,
}

impl Inode {
    /// The store has all that the guest did to it, and said so.
    pub(crate) const fn is_settled(&self) -> bool {
        self.pending.is_empty() && self.creation.is_none() && !self.unconfirmed
    }
}

/// A file to create.
#[derive(Clone, Debug)]
pub(crate) struct Creation {
    pub(crate) directory: Node,
    pub(crate) identity: larder_core::MetadataHash,
    pub(crate) path: Box<str>,
    pub(crate) truncate: bool,
}

/// One opening: what the store holds a node for.
#[derive(Debug)]
pub(crate) struct Opening {
    /// The key of the inode.
    pub(crate) inode: u64,
    pub(crate) mount: u32,
    /// Absent as long as the file is not created.
    pub(crate) node: Option<Node>,
    /// The store holds the node for this opening.
    pub(crate) held: bool,
    /// Descriptors that share it.
    pub(crate) holders: u32,
    /// Cached content was read, and the store does not know yet.
    pub(crate) touched: bool,
    /// It was read before: the access time is renewed once.
    pub(crate) read_before: bool,
    /// Directory entries that an answer brought along.
    pub(crate) page: Page,
}

/// Entries of a directory that were read ahead.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) entries: VecDeque<DirectoryEntry>,
    /// The cookie behind which they come.
    pub(crate) after: u64,
    /// The first of a listing, while nothing but it was read: a listing that
    /// begins with a probe reads it twice.
    pub(crate) first: Option<DirectoryEntry>,
    /// None come behind them.
    pub(crate) is_last: bool,
    /// How many changes the guest had made then.
    pub(crate) changes: u64,
}
