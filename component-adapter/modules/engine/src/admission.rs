//! A packed tree that is only listed while there is memory for it: a directory
//! becomes inodes in operations that otherwise allocate nothing.

use bytes::Bytes;
use larder_core::{Result, TreeNode, TreeSource, TreeTotals};
use larder_image::PackedTree;

use crate::headroom;

const OPERATION: &str = "list-packed";

/// Bytes of tables for each entry of a directory that is listed: its place in
/// two lists, and twice in the directory's and the volume's hash tables.
const TABLE_BYTES: usize = 256;

/// The tree of an image.
pub(crate) struct Admitted(pub(crate) PackedTree);

impl TreeSource for Admitted {
    fn totals(&self) -> TreeTotals {
        self.0.totals()
    }

    fn node(&self, ino: u64) -> Result<TreeNode> {
        self.0.node(ino)
    }

    fn list(&self, directory: u64, visitor: &mut dyn FnMut(&str, u64) -> Result<()>) -> Result<()> {
        let mut entries: usize = 0;
        self.0.list(directory, &mut |_, _| {
            entries += 1;
            Ok(())
        })?;
        headroom::for_table(entries.saturating_mul(TABLE_BYTES), OPERATION)?;
        self.0.list(directory, &mut |name, ino| {
            headroom::for_little(OPERATION)?;
            visitor(name, ino)
        })
    }

    fn extents(&self, file: u64, visitor: &mut dyn FnMut(u64, Bytes) -> Result<()>) -> Result<()> {
        self.0.extents(file, &mut |offset, bytes| {
            headroom::for_little(OPERATION)?;
            visitor(offset, bytes)
        })
    }

    fn target(&self, link: u64) -> Result<&str> {
        self.0.target(link)
    }
}
