//! One member of a tar stream, as far as a volume can hold it.

use super::sparse::Segment;
use crate::volume::Meta;

/// What a member is.
#[derive(Debug)]
pub(super) enum Kind {
    File(Content),
    Directory,
    Symlink,
    HardLink,
    /// Something that a volume cannot hold.
    Other(&'static str),
}

/// A file's content as it is stored.
#[derive(Debug)]
pub(super) struct Content {
    /// Length of the file, holes included, in bytes.
    pub(super) size: u64,
    /// Where the stored bytes go.
    pub(super) map: Vec<Segment>,
}

#[derive(Debug)]
pub(super) struct Member {
    /// As in the stream.
    pub(super) path: Vec<u8>,
    pub(super) link: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) meta: Meta,
}
