//! Which chunks are in memory: loading absent ones, noting what is stored,
//! evicting clean ones. What to load, store and evict, and when, is a
//! backend's.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::Volume;
use crate::content::Absent;
use crate::error::During;
use crate::inode::Inode;
use crate::{Attributes, ChunkState, Error, ErrorCode, Eviction, FrozenContent, NodeId, Result};

/// Where the bytes of absent chunks come from.
pub trait ContentSource: Send + Sync {
    /// The bytes of `range` (offsets in the file) of that version of a file.
    /// Called without any lock of the volume.
    ///
    /// # Errors
    /// Passed on to the operation that needed the bytes.
    fn load(&self, node: NodeId, version: &str, range: Range<u64>) -> Result<Bytes>;

    /// Completes an upload that has parked chunks of a file, and tells the
    /// volume by [`Volume::stored`] before it returns.
    ///
    /// # Errors
    /// Passed on to the operation that needed the chunks.
    fn complete(&self, node: NodeId, upload: &str) -> Result<()> {
        let _ = (node, upload);
        Err(Error::new(ErrorCode::Io, "load"))
    }
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
    /// [`CHUNK_BYTES`](crate::CHUNK_BYTES)) and state. Holes are not listed.
    ///
    /// # Errors
    /// `no-entry` for an unknown node, `is-directory` or `invalid` for one
    /// that is no file.
    pub fn chunk_states(&self, node: NodeId) -> Result<Vec<(u64, ChunkState)>> {
        let inode = self.node(node, "chunk-states")?;
        let state = inode.read();
        Ok(state.file().during("chunk-states")?.states().collect())
    }

    /// The attributes of an inode.
    ///
    /// # Errors
    /// `no-entry` for an unknown node.
    pub fn attributes(&self, node: NodeId) -> Result<Attributes> {
        self.node(node, "get-attributes")?.attributes().during("get-attributes")
    }

    /// A file's content as it is now, for storing it. Only the newest one that
    /// was taken of a file may be given to [`stored`](Self::stored).
    ///
    /// # Errors
    /// As [`chunk_states`](Self::chunk_states).
    pub fn freeze_content(&self, node: NodeId) -> Result<FrozenContent> {
        let inode = self.node(node, "freeze-content")?;
        let mut state = inode.write();
        Ok(state.file_mut().during("freeze-content")?.freeze())
    }

    /// Notes that the backend has a file's content, as it was when it was
    /// frozen, in `version`, and no older version of the file any more. What
    /// has not changed since is clean, and can be evicted. Returns whether
    /// nothing has changed since.
    ///
    /// # Errors
    /// As [`chunk_states`](Self::chunk_states).
    pub fn stored(&self, node: NodeId, frozen: &FrozenContent, version: &Arc<str>) -> Result<bool> {
        let inode = self.node(node, "stored")?;
        let mut state = inode.write();
        Ok(state.file_mut().during("stored")?.stored(&frozen.content, version))
    }

    /// Some chunks of a file as they are now, for [`park`](Self::park): not for
    /// [`stored`](Self::stored), and of no consequence to what was frozen for
    /// that.
    ///
    /// # Errors
    /// As [`chunk_states`](Self::chunk_states).
    pub fn freeze_chunks(&self, node: NodeId, indices: Range<u64>) -> Result<FrozenContent> {
        let inode = self.node(node, "freeze-content")?;
        let state = inode.read();
        Ok(FrozenContent { content: state.file().during("freeze-content")?.some_chunks(indices) })
    }

    /// Whether all chunks of a range are in memory alone, as they were when
    /// they were frozen. It stays so while the volume is at rest
    /// ([`at_rest`](Self::at_rest)).
    ///
    /// # Errors
    /// As [`chunk_states`](Self::chunk_states).
    pub fn is_unchanged(&self, node: NodeId, frozen: &FrozenContent, indices: Range<u64>) -> Result<bool> {
        let inode = self.node(node, "park")?;
        let state = inode.read();
        Ok(state.file().during("park")?.is_unchanged(&frozen.content, indices))
    }

    /// Drops the bytes of chunks from memory that an upload under way has, as
    /// far as they have not changed since they were frozen; returns how many
    /// bytes. Whoever needs them waits for [`ContentSource::complete`].
    ///
    /// # Errors
    /// As [`chunk_states`](Self::chunk_states).
    pub fn park(&self, node: NodeId, frozen: &FrozenContent, indices: Range<u64>, upload: &Arc<str>) -> Result<usize> {
        let inode = self.node(node, "park")?;
        let mut state = inode.write();
        Ok(state.file_mut().during("park")?.park(&frozen.content, indices, upload))
    }

    /// Drops the bytes of a clean chunk from memory that nobody used since this
    /// was last called for it. Charges stay: they count what the volume holds,
    /// not what is in memory.
    ///
    /// # Errors
    /// As [`chunk_states`](Self::chunk_states).
    pub fn evict(&self, node: NodeId, index: u64) -> Result<Eviction> {
        let inode = self.node(node, "evict")?;
        let mut state = inode.write();
        Ok(state.file_mut().during("evict")?.evict(index))
    }

    /// What a chunk that is absent would be loaded with: the version, and the
    /// range of the file. `None` where it is a hole or in memory.
    ///
    /// # Errors
    /// As [`chunk_states`](Self::chunk_states).
    pub fn absent_chunk(&self, node: NodeId, index: u64) -> Result<Option<(Arc<str>, Range<u64>)>> {
        let inode = self.node(node, "load")?;
        let state = inode.read();
        let content = state.file().during("load")?;
        Ok(content.absent_version(index).zip(content.absent_range(index)))
    }

    /// Gives an absent chunk its bytes, all of its range, before somebody asks
    /// for them; returns whether it waited for them.
    ///
    /// # Errors
    /// As [`chunk_states`](Self::chunk_states).
    pub fn fill_chunk(&self, node: NodeId, index: u64, version: &Arc<str>, bytes: Bytes) -> Result<bool> {
        Self::fill(&*self.node(node, "load")?, index, version, bytes)
    }

    fn fill(inode: &Inode, index: u64, version: &Arc<str>, bytes: Bytes) -> Result<bool> {
        let mut state = inode.write();
        let content = state.file_mut().during("load")?;
        // What is only stored gets a place among the chunks for its bytes, and
        // for nothing else.
        let length = content.absent_range(index).map(|range| range.end - range.start);
        if content.absent_version(index).as_ref() != Some(version) || length != Some(bytes.len() as u64) {
            return Ok(false);
        }
        Ok(content.with_chunk(index, |chunk| chunk.fill(version, bytes)) == Some(true))
    }

    /// Brings an absent chunk into memory. No lock is held while the source
    /// works.
    pub(super) fn load(&self, node: &Arc<Inode>, absent: &Absent) -> Result<()> {
        let source = self.source.get().ok_or_else(|| Error::new(ErrorCode::Io, "load"))?;
        if absent.is_parked {
            return source.complete(node.id(), &absent.version);
        }
        // Cut off, overwritten, loaded or stored in another version meanwhile:
        // whoever needs the chunk looks again.
        let wanted = || -> Result<Option<Range<u64>>> {
            let state = node.read();
            let content = state.file().during("load")?;
            let is_wanted = content.absent_version(absent.index).as_ref() == Some(&absent.version);
            Ok(content.absent_range(absent.index).filter(|_| is_wanted))
        };
        let Some(range) = wanted()? else { return Ok(()) };
        match source.load(node.id(), &absent.version, range.clone()) {
            Ok(bytes) if bytes.len() as u64 == range.end - range.start => {
                Self::fill(node, absent.index, &absent.version, bytes).map(drop)
            }
            _ if wanted()? != Some(range) => Ok(()),
            Ok(_) => Err(Error::new(ErrorCode::Io, "load")),
            Err(error) => Err(error),
        }
    }
}
