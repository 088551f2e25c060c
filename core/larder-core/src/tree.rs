//! Packed trees: a volume's first content, read in place and as it is needed.
//! `volume::listing` makes inodes of it; the byte format is `larder-image`'s.

use bytes::Bytes;

use crate::{FileType, Result, Timestamp};

/// A file tree that a volume starts from, without reading it at the start.
///
/// Directories are read when somebody first looks into them. The volume checks
/// what it is told: a damaged source makes operations fail with `io`, in the
/// directories that are damaged.
///
/// The volume calls these methods without any lock held.
pub trait TreeSource: Send + Sync {
    /// What the whole tree is charged, known without reading it.
    fn totals(&self) -> TreeTotals;

    /// The inode of that number, from 1 (the root) to
    /// [`TreeTotals::inodes`].
    ///
    /// # Errors
    /// `io` where there is none or it is damaged.
    fn node(&self, ino: u64) -> Result<TreeNode>;

    /// Hands each entry of a directory to `visitor`, name and inode number, in
    /// the order of a listing.
    ///
    /// # Errors
    /// `io` where the directory is damaged, and those of the visitor.
    fn list(&self, directory: u64, visitor: &mut dyn FnMut(&str, u64) -> Result<()>) -> Result<()>;

    /// Hands each extent of a file to `visitor`: its offset, a multiple of
    /// [`PAGE_BYTES`](crate::PAGE_BYTES), and its bytes. Extents ascend, and no
    /// two of them lie in one chunk of [`CHUNK_BYTES`](crate::CHUNK_BYTES);
    /// what is between is a hole. The bytes are used in place.
    ///
    /// # Errors
    /// `io` where the file is damaged, and those of the visitor.
    fn extents(&self, file: u64, visitor: &mut dyn FnMut(u64, Bytes) -> Result<()>) -> Result<()>;

    /// The target of a symbolic link.
    ///
    /// # Errors
    /// `io` where it is damaged.
    fn target(&self, symlink: u64) -> Result<&str>;
}

/// What a packed tree is charged, counted as [`Limits`](crate::Limits) counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TreeTotals {
    /// Bytes charged.
    pub bytes: u64,
    /// Inodes, the root included. Their numbers are 1 to this.
    pub inodes: u64,
}

/// One inode of a packed tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeNode {
    /// Its kind.
    pub file_type: FileType,
    /// Permission bits.
    pub mode: u32,
    /// Names in the tree; for a directory 2 and one for each sub-directory.
    pub link_count: u64,
    /// A file's length in bytes; a directory's charged bytes
    /// ([`ENTRY_BYTES`](crate::ENTRY_BYTES) and the name, for each entry); a
    /// symbolic link's target length.
    pub size: u64,
    /// Last read.
    pub accessed: Timestamp,
    /// Last change of content.
    pub modified: Timestamp,
    /// Last change of content or attributes.
    pub changed: Timestamp,
}
