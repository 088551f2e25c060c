//! A tree of an image, read where it lies: the core's [`TreeSource`].

use std::collections::BTreeSet;
use std::ops::Range;

use bytes::Bytes;
use larder_core::{Error, ErrorCode, FileType, Result, Timestamp, TreeNode, TreeSource, TreeTotals};

use crate::layout::{ENTRY_BYTES, EXTENT_BYTES, NODE_BYTES, kind};
use crate::read::{i64_at, range, u16_at, u32_at, u64_at};

/// The file tree of one volume of an image.
#[derive(Clone, Debug)]
pub struct PackedTree {
    /// The whole image; positions are relative to it.
    image: Bytes,
    /// Where the table of nodes is.
    nodes: Range<usize>,
    totals: TreeTotals,
}

/// A name in a tree, and what it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The path from the root of the volume, without a slash at the start;
    /// empty for the root.
    pub path: String,
    /// The inode's number: equal for two names of one file.
    pub ino: u64,
    /// Its attributes.
    pub node: TreeNode,
    /// A symbolic link's target.
    pub target: Option<String>,
}

/// The fields of a node's record.
struct Record<'a>(&'a [u8]);

impl Record<'_> {
    fn kind(&self) -> u8 {
        self.0.first().copied().unwrap_or_default()
    }

    fn time(&self) -> Timestamp {
        Timestamp { seconds: i64_at(self.0, 8), nanoseconds: u32_at(self.0, 16) }
    }

    /// A file's length, a directory's charged bytes.
    fn size(&self) -> u64 {
        u64_at(self.0, 24)
    }

    /// Where the extents, entries or the target are, and how many there are.
    fn place(&self) -> (u64, u64) {
        (u64_at(self.0, 32), u64_at(self.0, 40))
    }
}

fn damaged() -> Error {
    Error::new(ErrorCode::Io, "read-image")
}

impl PackedTree {
    /// The tree whose table of nodes is at `nodes`; `None` if it is not within
    /// the image.
    pub(crate) fn new(image: Bytes, nodes: u64, totals: TreeTotals) -> Option<Self> {
        let length = totals.inodes.checked_mul(NODE_BYTES as u64)?;
        let nodes = range(&image, nodes, length)?;
        Some(Self { image, nodes, totals })
    }

    fn record(&self, ino: u64) -> Result<Record<'_>> {
        let index = ino.checked_sub(1).and_then(|index| usize::try_from(index).ok()).ok_or_else(damaged)?;
        let table = self.image.get(self.nodes.clone()).unwrap_or_default();
        let start = index.checked_mul(NODE_BYTES).ok_or_else(damaged)?;
        let record = table.get(start..).and_then(|rest| rest.get(..NODE_BYTES));
        record.map(Record).ok_or_else(damaged)
    }

    fn record_of(&self, ino: u64, kind: u8) -> Result<Record<'_>> {
        self.record(ino).and_then(|record| if record.kind() == kind { Ok(record) } else { Err(damaged()) })
    }

    fn bytes(&self, start: u64, length: u64) -> Result<&[u8]> {
        range(&self.image, start, length).and_then(|range| self.image.get(range)).ok_or_else(damaged)
    }

    /// A table of `count` records of `size` bytes.
    fn table(&self, (start, count): (u64, u64), size: usize) -> Result<std::slice::ChunksExact<'_, u8>> {
        let length = count.checked_mul(size as u64).ok_or_else(damaged)?;
        self.bytes(start, length).map(|bytes| bytes.chunks_exact(size))
    }

    fn text(&self, start: u64, length: u64) -> Result<&str> {
        std::str::from_utf8(self.bytes(start, length)?).map_err(|_| damaged())
    }

    /// Every name in the tree, a directory before what is in it, names in
    /// order of their bytes.
    ///
    /// # Errors
    /// `io` where the tree is damaged, `name-too-long` for a path of more than
    /// `path_bytes`, which bounds the work on a hostile image.
    pub fn entries(&self, path_bytes: u32) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        let mut seen = BTreeSet::new();
        let mut open = vec![(String::new(), 1)];
        while let Some((path, ino)) = open.pop() {
            let node = self.node(ino)?;
            if node.file_type == FileType::Directory {
                if !seen.insert(ino) {
                    return Err(damaged().at(&path));
                }
                let first = open.len();
                self.list(ino, &mut |name, child| {
                    let below = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
                    if below.len() > path_bytes as usize {
                        return Err(Error::new(ErrorCode::NameTooLong, "read-image").at(&below));
                    }
                    open.push((below, child));
                    Ok(())
                })?;
                // Taken from the end.
                if let Some(children) = open.get_mut(first..) {
                    children.reverse();
                }
            }
            let target = match node.file_type {
                FileType::SymbolicLink => Some(self.target(ino)?.to_owned()),
                _ => None,
            };
            entries.push(Entry { path, ino, node, target });
        }
        Ok(entries)
    }
}

impl TreeSource for PackedTree {
    fn totals(&self) -> TreeTotals {
        self.totals
    }

    fn node(&self, ino: u64) -> Result<TreeNode> {
        let record = self.record(ino)?;
        let (file_type, size) = match record.kind() {
            kind::FILE => (FileType::RegularFile, record.size()),
            kind::DIRECTORY => (FileType::Directory, record.size()),
            kind::SYMLINK => (FileType::SymbolicLink, record.place().1),
            _ => return Err(damaged()),
        };
        let time = record.time();
        Ok(TreeNode {
            file_type,
            mode: u32::from(u16_at(record.0, 2)),
            link_count: u64::from(u32_at(record.0, 4)),
            size,
            accessed: time,
            modified: time,
            changed: time,
        })
    }

    fn list(&self, directory: u64, visitor: &mut dyn FnMut(&str, u64) -> Result<()>) -> Result<()> {
        let record = self.record_of(directory, kind::DIRECTORY)?;
        for entry in self.table(record.place(), ENTRY_BYTES)? {
            let name = self.text(u64_at(entry, 0), u64::from(u32_at(entry, 8)))?;
            visitor(name, u64::from(u32_at(entry, 12)))?;
        }
        Ok(())
    }

    fn extents(&self, file: u64, visitor: &mut dyn FnMut(u64, Bytes) -> Result<()>) -> Result<()> {
        let record = self.record_of(file, kind::FILE)?;
        for extent in self.table(record.place(), EXTENT_BYTES)? {
            let bytes = range(&self.image, u64_at(extent, 8), u64_at(extent, 16)).ok_or_else(damaged)?;
            visitor(u64_at(extent, 0), self.image.slice(bytes))?;
        }
        Ok(())
    }

    fn target(&self, symlink: u64) -> Result<&str> {
        let (start, length) = self.record_of(symlink, kind::SYMLINK)?.place();
        self.text(start, length)
    }
}
