//! A consistent copy of a whole volume that shares all content.

use std::sync::Arc;

use bytes::Bytes;

use super::Volume;
use crate::content::Absent;
use crate::inode::{Body, Inode};
use crate::sync::Ordering;
use crate::{DirectoryEntry, NodeId, Result, Timestamp};

/// A volume as it was at one moment. Content is shared with the volume, which
/// copies a chunk when it is written to later.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(crate) name: String,
    pub(crate) generation: u64,
    /// The next inode number that the volume would have given.
    pub(crate) next_ino: u64,
    pub(crate) root: NodeId,
    /// Every inode that has a name, in ascending order of numbers.
    pub(crate) nodes: Vec<FrozenNode>,
}

#[derive(Clone, Debug)]
pub(crate) struct FrozenNode {
    pub(crate) id: NodeId,
    pub(crate) link_count: u64,
    pub(crate) mode: u32,
    pub(crate) accessed: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) changed: Timestamp,
    pub(crate) version: u64,
    pub(crate) body: FrozenBody,
}

#[derive(Clone, Debug)]
pub(crate) enum FrozenBody {
    File {
        size: u64,
        /// Offset and bytes, ascending and disjoint; gaps are holes.
        chunks: Vec<(u64, Bytes)>,
    },
    Directory {
        parent: u64,
        /// In the order of their cookies.
        entries: Vec<DirectoryEntry>,
        /// The cookie of the newest name that the directory ever had.
        last_cookie: u64,
    },
    Symlink {
        target: Arc<str>,
    },
}

impl Volume {
    /// Copies the volume as it is now: every mutation is in it wholly or not
    /// at all. Files that are open but have no name are left out. Takes time
    /// in the number of inodes, not of bytes, and stops mutations meanwhile.
    ///
    /// # Errors
    /// Those of the [`ContentSource`](super::ContentSource), where chunks are
    /// not in memory; `io` where a packed tree is damaged.
    pub fn freeze(&self) -> Result<Snapshot> {
        loop {
            match self.try_freeze() {
                Ok(snapshot) => return Ok(snapshot),
                Err(Missing::Content(node, absent)) => self.load(&node, &absent)?,
                Err(Missing::Entries) => self.list_all()?,
            }
        }
    }

    fn try_freeze(&self) -> Result<Snapshot, Missing> {
        let _alone = self.gate.write();
        let mut inodes: Vec<_> = self.inodes.iter().map(|entry| entry.value().clone()).collect();
        inodes.sort_unstable_by_key(|inode| inode.ino());
        let mut nodes = Vec::with_capacity(inodes.len());
        for inode in inodes {
            nodes.extend(freeze_node(&inode)?);
        }
        Ok(Snapshot {
            name: self.name.clone(),
            generation: self.generation,
            next_ino: self.next_ino.load(Ordering::Relaxed),
            root: self.root.id(),
            nodes,
        })
    }
}

/// What must be in memory before the volume can be copied.
enum Missing {
    Content(Arc<Inode>, Absent),
    Entries,
}

fn freeze_node(inode: &Arc<Inode>) -> Result<Option<FrozenNode>, Missing> {
    let state = inode.read();
    if state.link_count == 0 {
        return Ok(None);
    }
    let body = match &state.body {
        Body::File(content) => {
            let chunks = content.extents().collect::<Result<_, _>>();
            FrozenBody::File {
                size: content.len(),
                chunks: chunks.map_err(|absent| Missing::Content(inode.clone(), absent))?,
            }
        }
        Body::Directory(directory) => FrozenBody::Directory {
            parent: inode.parent(),
            entries: directory.list(0, usize::MAX),
            last_cookie: directory.last_cookie(),
        },
        Body::Unlisted => return Err(Missing::Entries),
        Body::Symlink(target) => FrozenBody::Symlink { target: target.clone() },
    };
    Ok(Some(FrozenNode {
        id: inode.id(),
        link_count: state.link_count,
        mode: state.mode,
        accessed: state.accessed,
        modified: state.modified,
        changed: state.changed,
        version: state.version,
        body,
    }))
}

impl Snapshot {
    /// The name of the volume.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many inodes there are.
    #[must_use]
    pub fn inode_count(&self) -> usize {
        self.nodes.len()
    }
}
