//! What a file holds in the backend: one version of it, as ranges of bytes
//! that need no chunk each as long as they are not in memory.

use std::ops::Range;
use std::sync::Arc;

use super::chunk::{Chunk, extent_cost};
use super::{CHUNK, CHUNK_BYTES, PAGE_BYTES};

/// A stored version of a file. Chunks in the map stand before it.
///
/// Invariants: ranges ascend, are not empty, begin at multiples of
/// [`PAGE_BYTES`], and no two of them lie in one chunk. Behind `end` nothing of
/// it counts: the file was cut there.
#[derive(Clone, Debug)]
pub(super) struct Base {
    version: Arc<str>,
    ranges: Arc<[Range<u64>]>,
    end: u64,
}

impl Base {
    /// `None` where the ranges do not keep the invariants.
    pub(super) fn new(version: Arc<str>, ranges: Arc<[Range<u64>]>) -> Option<Self> {
        let mut free = 0;
        for range in ranges.iter() {
            let aligned = range.start.is_multiple_of(PAGE_BYTES as u64);
            if !aligned || range.start >= range.end || range.start < free {
                return None;
            }
            // Saturates for the last chunk that a file can have.
            free = range.end.checked_next_multiple_of(CHUNK).unwrap_or(u64::MAX);
        }
        let end = ranges.last().map_or(0, |range| range.end);
        Some(Self { version, ranges, end })
    }

    pub(super) const fn version(&self) -> &Arc<str> {
        &self.version
    }

    pub(super) fn cut(&mut self, end: u64) {
        self.end = self.end.min(end);
    }

    /// The ranges that count.
    pub(super) fn ranges(&self) -> impl DoubleEndedIterator<Item = Range<u64>> + '_ {
        let end = self.end;
        self.ranges.iter().map(move |range| range.start..range.end.min(end)).filter(|range| !range.is_empty())
    }

    /// The part of a chunk that is stored, as an absent chunk.
    pub(super) fn chunk(&self, index: u64) -> Option<Chunk> {
        let within = self.within(index)?;
        Some(Chunk::absent(within, self.version.clone()))
    }

    fn within(&self, index: u64) -> Option<Range<usize>> {
        let start = index.checked_mul(CHUNK)?;
        let at = self.ranges.partition_point(|range| range.end <= start);
        let range = self.ranges.get(at)?;
        let from = range.start.max(start);
        let to = range.end.min(self.end).min(start.saturating_add(CHUNK));
        if from >= to {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "both are at most CHUNK_BYTES")]
        let within = (from - start) as usize..(to - start) as usize;
        debug_assert!(within.end <= CHUNK_BYTES);
        Some(within)
    }

    /// What is charged for a chunk of it.
    pub(super) fn cost_of(&self, index: u64) -> u64 {
        self.within(index).map_or(0, |within| extent_cost(&within))
    }

    /// What is charged for it from a chunk on.
    pub(super) fn cost_from(&self, index: u64) -> u64 {
        let from = index.saturating_mul(CHUNK);
        let lengths = self.ranges().map(|range| range.end.saturating_sub(range.start.max(from)));
        lengths.map(|length| length.next_multiple_of(PAGE_BYTES as u64)).sum()
    }
}
