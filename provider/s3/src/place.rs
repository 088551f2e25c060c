//! Where a file's stored bytes are.

use std::sync::Arc;

use larder_bucket::{Etag, Metadata};
use larder_core::{NodeId, Result};

use crate::layout::SparseMap;

/// The object that has a file's stored content.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) key: Arc<str>,
    /// The object's version, which reads are pinned to.
    pub(crate) etag: Etag,
    /// The version that the volume knows the content by: the etag that the
    /// content was first stored or found with. A copy of a large object has
    /// another etag, and the same content.
    pub(crate) version: Arc<str>,
    /// The file's length in bytes, holes included.
    pub(crate) size: u64,
    /// Where the bytes are, if not each at its own offset.
    pub(crate) sparse: Option<Arc<SparseMap>>,
    /// What others noted on the object; goes along where it is copied.
    pub(crate) foreign: Option<Arc<Metadata>>,
}

/// Who knows where files are.
pub(crate) trait Places: Send + Sync {
    /// Where a file's stored content is now; `None` where the bucket has none
    /// (any more).
    fn place(&self, node: NodeId) -> Option<Place>;

    /// Brings a file's content to the bucket, of which an upload under way has
    /// a part, and returns when it is there. Blocks.
    fn complete(&self, node: NodeId, upload: &str) -> Result<()>;
}
