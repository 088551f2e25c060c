//! Which chunks are in memory: loading absent ones, marking stored ones clean,
//! evicting clean ones. What to load and evict, and when, is a backend's.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::Volume;
use crate::content::{Absent, CHUNK_BYTES};
use crate::error::During;
use crate::inode::Inode;
use crate::{ChunkState, Error, ErrorCode, NodeId, Result};

/// Where the bytes of absent chunks come from.
pub trait ContentSource: Send + Sync {
    /// The bytes of `range` (offsets in the file) of that version of a file.
    /// Called without any lock of the volume.
    ///
    /// # Errors
    /// Passed on to the operation that needed the bytes.
    fn load(&self, node: NodeId, version: &str, range: Range<u64>) -> Result<Bytes>;
}

impl Volume {
    /// Sets where absent chunks are loaded from. The first call wins.
    ///
    /// # Errors
    /// `already` if it was set before.
    pub fn set_content_source(&self, source: Arc<dyn ContentSource>) -> Result<()> {
        self.source.set(source).map_err(|_| Error::new(ErrorCode::Already, "set-content-source"))
    }

    /// The state of each stored chunk of a file: index (offset divided by
    /// [`CHUNK_BYTES`]) and state. Holes are not listed.
    ///
    /// # Errors
    /// `no-entry` for an unknown node, `is-directory` or `invalid` for one
    /// that is no file.
    pub fn chunk_states(&self, node: NodeId) -> Result<Vec<(u64, ChunkState)>> {
        let inode = self.node(node, "chunk-states")?;
        let state = inode.read();
        Ok(state.file().during("chunk-states")?.states().collect())
    }

    /// Marks all dirty chunks of a file as stored in `content_version`, if the
    /// file is still at `version` (of its attributes); returns whether it was.
    ///
    /// # Errors
    /// As [`chunk_states`](Self::chunk_states).
    pub fn mark_clean(&self, node: NodeId, version: u64, content_version: &Arc<str>) -> Result<bool> {
        let inode = self.node(node, "mark-clean")?;
        let mut state = inode.write();
        if state.version != version {
            return Ok(false);
        }
        state.file_mut().during("mark-clean")?.mark_clean(content_version);
        Ok(true)
    }

    /// Drops the bytes of a clean chunk from memory; returns how many, 0 where
    /// the chunk is a hole, absent already, or dirty. Charges stay: they count
    /// what the volume holds, not what is in memory.
    ///
    /// # Errors
    /// As [`chunk_states`](Self::chunk_states).
    pub fn evict(&self, node: NodeId, index: u64) -> Result<usize> {
        let inode = self.node(node, "evict")?;
        let mut state = inode.write();
        let freed = state.file_mut().during("evict")?.with_chunk(index, |chunk| chunk.evict());
        Ok(freed.flatten().unwrap_or(0))
    }

    /// Brings an absent chunk into memory. No lock is held while the source
    /// works.
    pub(super) fn load(&self, node: &Arc<Inode>, absent: &Absent) -> Result<()> {
        let failed = || Error::new(ErrorCode::Io, "load");
        let source = self.source.get().ok_or_else(failed)?;
        let within = {
            let mut state = node.write();
            state.file_mut().during("load")?.with_chunk(absent.index, |chunk| chunk.extent_range())
        };
        // Truncated meanwhile: nothing to load.
        let Some(within) = within else { return Ok(()) };
        let base = absent.index * CHUNK_BYTES as u64;
        let range = base + within.start as u64..base + within.end as u64;
        let bytes = source.load(node.id(), &absent.version, range)?;
        self.store_loaded(node, absent, &bytes)
    }
}
