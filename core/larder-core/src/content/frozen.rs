//! A file's content as it was at one moment, for whoever stores it.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::{CHUNK, ChunkState, Content, in_file};

/// A range of a file's data that is in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Bytes of the file, from and to.
    pub range: Range<u64>,
    /// Where they are.
    pub state: ChunkState,
}

/// What a file held at one moment. Shares its bytes with the file.
#[derive(Clone, Debug)]
pub struct FrozenContent {
    pub(crate) content: Content,
}

impl FrozenContent {
    /// The file's length in bytes.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.content.len()
    }

    /// Whether the file had no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it holds, in ascending order; between the stretches are holes.
    /// Adjacent bytes that are stored in one version are one stretch.
    pub fn stretches(&self) -> Vec<Stretch> {
        self.content.stretches()
    }

    /// Up to `length` bytes from `offset` where all of them are in memory;
    /// `None` otherwise.
    #[must_use]
    pub fn bytes(&self, offset: u64, length: usize) -> Option<Bytes> {
        self.content.read(offset, length).ok().map(super::Chunks::into_bytes)
    }

    /// Whether all chunks of a range are in memory alone, and are the very bytes
    /// that `other` shares with the file.
    #[must_use]
    pub fn is_unchanged(&self, other: &Self, indices: Range<u64>) -> bool {
        self.content.is_unchanged(&other.content, indices)
    }

    /// The ranges that hold bytes, as [`Volume::adopt`](crate::Volume::adopt)
    /// takes them.
    #[must_use]
    pub fn ranges(&self) -> Arc<[Range<u64>]> {
        self.content.ranges()
    }
}

impl Content {
    /// The file's data, in stretches of one state.
    pub(crate) fn stretches(&self) -> Vec<Stretch> {
        let parts = joined(self.parts().into_iter());
        parts.into_iter().map(|(range, state)| Stretch { range, state }).collect()
    }

    /// Ranges of data, merged.
    pub(crate) fn ranges(&self) -> Arc<[Range<u64>]> {
        let parts = joined(self.parts().into_iter().map(|(range, _)| (range, ())));
        parts.into_iter().map(|(range, ())| range).collect()
    }

    /// The chunks' extents, and between them what is stored and has no chunk.
    fn parts(&self) -> Vec<(Range<u64>, ChunkState)> {
        let mut out = Vec::new();
        let mut chunks = self.chunks.iter().peekable();
        let stored: Vec<Range<u64>> = self.base.iter().flat_map(|base| base.ranges()).collect();
        let version = self.base.as_ref().map(|base| ChunkState::Absent(base.version().clone()));
        let push_chunk = |out: &mut Vec<_>, index: u64, chunk: &super::Chunk| {
            out.push((in_file(index, &chunk.extent_range()), chunk.state().clone()));
        };
        for range in stored {
            let mut at = range.start;
            while at < range.end {
                // Chunks before what is left of the range, then the gap up to
                // the next chunk.
                match chunks.peek() {
                    Some((index, chunk)) if *index * CHUNK <= at => {
                        push_chunk(&mut out, *index, chunk);
                        if *index == at / CHUNK {
                            at = (index + 1) * CHUNK;
                        }
                        chunks.next();
                    }
                    next => {
                        let end = next.map_or(range.end, |(index, _)| (index * CHUNK).min(range.end));
                        if let Some(state) = &version {
                            out.push((at..end, state.clone()));
                        }
                        at = end;
                    }
                }
            }
        }
        for (index, chunk) in chunks {
            push_chunk(&mut out, index, chunk);
        }
        out
    }

    /// The same bytes for whoever stores them. Later cuts are remembered until
    /// the next time.
    pub(crate) fn freeze(&mut self) -> FrozenContent {
        self.lowest_len = self.len;
        FrozenContent { content: self.clone() }
    }

    /// What `frozen` holds, the last that was taken of this file, is stored as
    /// `version` now, and nothing older is. What has not changed since is
    /// clean, or can be loaded from there. Answers whether nothing has changed.
    pub(crate) fn stored(&mut self, frozen: &Self, version: &Arc<str>) -> bool {
        self.base = super::base::Base::new(version.clone(), frozen.ranges());
        if let Some(base) = &mut self.base {
            // What was cut off since must not come back.
            base.cut(self.lowest_len);
        }
        self.chunks.rebase(&frozen.chunks, version);
        self.len == frozen.len
            && self.lowest_len == frozen.len
            && self.chunks.iter().all(|(_, chunk)| *chunk.state() != ChunkState::Dirty)
    }

    /// The bytes of a chunk that is to be loaded, as a range of the file;
    /// `None` where it was cut off meanwhile.
    pub(crate) fn absent_range(&self, index: u64) -> Option<Range<u64>> {
        Some(in_file(index, &self.chunk(index)?.extent_range()))
    }

    /// What a chunk would be loaded from; `None` where it need not be.
    pub(crate) fn absent_version(&self, index: u64) -> Option<Arc<str>> {
        match self.chunk(index)?.state() {
            ChunkState::Absent(version) => Some(version.clone()),
            _ => None,
        }
    }

    /// A file of the backend's that nothing of is in memory.
    pub(crate) fn away(len: u64, version: Arc<str>, ranges: Arc<[Range<u64>]>) -> Option<Self> {
        let base = super::base::Base::new(version, ranges)?;
        if base.ranges().next_back().is_some_and(|last| last.end > len) {
            return None;
        }
        Some(Self { len, lowest_len: len, chunks: super::ChunkMap::default(), base: Some(base) })
    }
}

/// Ranges that ascend, those made one that touch and have the same with them.
fn joined<T: PartialEq>(parts: impl Iterator<Item = (Range<u64>, T)>) -> Vec<(Range<u64>, T)> {
    let mut out: Vec<(Range<u64>, T)> = Vec::new();
    for (range, with) in parts {
        match out.last_mut() {
            Some((last, same)) if last.end == range.start && *same == with => last.end = range.end,
            _ => out.push((range, with)),
        }
    }
    out
}
