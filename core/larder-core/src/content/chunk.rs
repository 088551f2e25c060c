//! One chunk: a single extent of bytes that starts at a page border.
#![allow(clippy::indexing_slicing, reason = "every index follows from the extent that the code just compared with")]

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use super::stored::Stored;
use super::{Absent, CHUNK_BYTES, Chunks, PAGE_BYTES, Source, ZEROS};

/// Where a chunk's bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChunkState {
    /// Not in memory; they can be loaded from this version of the object.
    Absent(Arc<str>),
    /// In memory, equal to this version of the object.
    Clean(Arc<str>),
    /// In memory alone.
    Dirty,
    /// Not in memory, and on its way into the backend: they can be loaded once
    /// this upload is complete, and must not change before.
    Parked(Arc<str>),
}

/// What became of a chunk that was to be dropped from memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eviction {
    /// It is gone from memory: so many bytes.
    Freed(usize),
    /// Somebody used it since it was last asked for; not so any more.
    Used,
    /// Nothing: a hole, not in memory, or not stored elsewhere.
    Nothing,
}

/// Whether somebody read a chunk since its eviction was last considered.
#[derive(Debug, Default)]
struct Used(AtomicBool);

impl Clone for Used {
    fn clone(&self) -> Self {
        Self(AtomicBool::new(self.0.load(Ordering::Relaxed)))
    }
}

impl Used {
    fn note(&self) {
        // Read first: readers of one chunk then share its cache line.
        if !self.0.load(Ordering::Relaxed) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// Invariants: `start` is a multiple of [`PAGE_BYTES`]; `start + len` is at
/// most [`CHUNK_BYTES`]; `bytes.len() == len` unless the state is absent, when
/// `bytes` is empty. Bytes of the chunk outside the extent read as zeros.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    start: usize,
    len: usize,
    bytes: Stored,
    state: ChunkState,
    used: Used,
}

const fn page_floor(offset: usize) -> usize {
    offset & !(PAGE_BYTES - 1)
}

/// The bytes charged for an extent that holds `within`.
pub(super) const fn extent_cost(within: &Range<usize>) -> u64 {
    (within.end - page_floor(within.start)).next_multiple_of(PAGE_BYTES) as u64
}

/// The capacity for `needed` bytes: doubles, so that appending is linear, but
/// stays within the chunk, so that memory is at most twice what is charged.
fn capacity(current: usize, needed: usize, start: usize) -> usize {
    needed.max((current * 2).min(CHUNK_BYTES - start))
}

impl Chunk {
    /// A chunk without bytes, about to be written at `offset`, with room for
    /// `reserve` bytes.
    pub(super) fn empty(offset: usize, reserve: usize) -> Self {
        let bytes = Vec::with_capacity(reserve).into();
        Self { start: page_floor(offset), len: 0, bytes, state: ChunkState::Dirty, used: Used::default() }
    }

    /// A chunk of `bytes` at `start`, which keep the invariants, without a
    /// copy.
    pub(super) fn shared(start: usize, bytes: Bytes) -> Self {
        let len = bytes.len();
        Self { start, len, bytes: Stored::Shared(bytes), state: ChunkState::Dirty, used: Used::default() }
    }

    /// A chunk with an extent that is stored elsewhere.
    pub(super) fn absent(within: Range<usize>, version: Arc<str>) -> Self {
        let state = ChunkState::Absent(version);
        Self { start: within.start, len: within.len(), bytes: Stored::default(), state, used: Used::default() }
    }

    /// Whether another chunk has the same extent and would be loaded from the
    /// same version.
    pub(super) fn is_same_absent(&self, other: &Self) -> bool {
        let absent = matches!(self.state, ChunkState::Absent(_));
        absent && self.state == other.state && self.start == other.start && self.len == other.len
    }

    pub(super) const fn is_parked(&self) -> bool {
        matches!(self.state, ChunkState::Parked(_))
    }

    pub(super) fn is_full(&self) -> bool {
        self.len == CHUNK_BYTES
    }

    fn end(&self) -> usize {
        self.start + self.len
    }

    pub(super) fn cost(&self) -> u64 {
        self.len.next_multiple_of(PAGE_BYTES) as u64
    }

    /// What writing `within` adds to the cost.
    pub(super) fn growth_cost(&self, within: &Range<usize>) -> u64 {
        let grown = within.start.min(self.start)..within.end.max(self.end());
        extent_cost(&grown) - self.cost()
    }

    pub(crate) fn state(&self) -> &ChunkState {
        &self.state
    }

    /// Whether a write of `within` replaces every byte of the extent.
    pub(super) fn covered_by(&self, within: &Range<usize>) -> bool {
        within.start <= self.start && within.end >= self.end()
    }

    /// Whether cutting the chunk at `keep` leaves a part of the extent.
    pub(super) fn is_cut_by(&self, keep: usize) -> bool {
        self.start < keep && keep < self.end()
    }

    pub(super) fn loaded(&self, index: u64) -> Result<(), Absent> {
        match &self.state {
            ChunkState::Absent(version) | ChunkState::Parked(version) => {
                Err(Absent { index, version: version.clone(), is_parked: self.is_parked() })
            }
            _ => {
                self.used.note();
                Ok(())
            }
        }
    }

    /// The extent: its offset in the chunk and its bytes.
    pub(super) fn extent(&self) -> (usize, Bytes) {
        (self.start, self.bytes.share())
    }

    /// Splits `within` into zeros before the extent, the part of the extent
    /// (relative to it), and zeros behind it.
    fn parts(&self, within: &Range<usize>) -> (usize, Range<usize>, usize) {
        let from = within.start.clamp(self.start, self.end());
        let to = within.end.clamp(self.start, self.end());
        let before = within.end.min(self.start).saturating_sub(within.start);
        let behind = within.end.saturating_sub(self.end().max(within.start));
        (before, from - self.start..to - self.start, behind)
    }

    pub(super) fn share(&self, index: u64, within: Range<usize>, out: &mut Chunks) -> Result<(), Absent> {
        let (before, part, behind) = self.parts(&within);
        out.push_zeros(before);
        if !part.is_empty() {
            self.loaded(index)?;
            out.push(self.bytes.share().slice(part));
        }
        out.push_zeros(behind);
        Ok(())
    }

    pub(super) fn copy(&self, index: u64, within: Range<usize>, out: &mut [u8]) -> Result<(), Absent> {
        let (before, part, behind) = self.parts(&within);
        let (head, rest) = out.split_at_mut(before);
        let (middle, tail) = rest.split_at_mut(rest.len() - behind);
        head.fill(0);
        if !part.is_empty() {
            self.loaded(index)?;
            middle.copy_from_slice(&self.bytes[part]);
        }
        tail.fill(0);
        Ok(())
    }

    /// Hands out the bytes of `within`, which are loaded.
    pub(super) fn visit(&self, within: &Range<usize>, visitor: &mut dyn FnMut(&[u8])) {
        let (before, part, behind) = self.parts(within);
        if before > 0 {
            visitor(&ZEROS[..before]);
        }
        if !part.is_empty() {
            visitor(&self.bytes[part]);
        }
        if behind > 0 {
            visitor(&ZEROS[..behind]);
        }
    }

    /// Whether `within` reaches into the extent.
    pub(super) fn overlaps(&self, within: &Range<usize>) -> bool {
        within.start < self.end() && self.start < within.end
    }

    /// Writes `part` of `data` at `offset`; the chunk is loaded, or `part`
    /// covers its extent.
    pub(super) fn write(&mut self, offset: usize, data: &dyn Source, part: Range<usize>) {
        let within = offset..offset + part.len();
        if self.covered_by(&within) && self.bytes.unshared().is_none_or(|bytes| bytes.capacity() < part.len()) {
            // Nothing of the old bytes is kept: do not copy what others share.
            self.bytes = Stored::default();
            self.len = 0;
        }
        if self.len == 0 {
            self.start = page_floor(offset);
        }
        if within.start < self.start {
            self.prepend(page_floor(within.start));
        }
        let at = offset - self.start;
        let needed = self.len.max(at + part.len());
        let bytes = Self::unique(&mut self.bytes, needed, self.start);
        if at > bytes.len() {
            bytes.resize(at, 0);
        }
        let overlap = part.len().min(bytes.len() - at);
        if overlap > 0 {
            data.copy_to(part.start, &mut bytes[at..at + overlap]);
        }
        if overlap < part.len() {
            data.append_to(part.start + overlap..part.end, bytes);
        }
        self.len = bytes.len();
        self.state = ChunkState::Dirty;
    }

    /// The bytes for writing, with room for `needed`, copied if somebody else
    /// has them too.
    fn unique(shared: &mut Stored, needed: usize, start: usize) -> &mut Vec<u8> {
        let len = shared.len();
        let bytes = shared.make_unshared(|| capacity(len, needed, start));
        if needed > bytes.capacity() {
            bytes.reserve_exact(capacity(bytes.capacity(), needed, start) - bytes.len());
        }
        bytes
    }

    /// Moves the extent's start down to `start`.
    fn prepend(&mut self, start: usize) {
        let gap = self.start - start;
        let mut bytes = Vec::with_capacity(gap + self.len);
        bytes.resize(gap, 0);
        bytes.extend_from_slice(&self.bytes);
        self.start = start;
        self.len = bytes.len();
        self.bytes = bytes.into();
    }

    /// Cuts the chunk at `keep`; returns whether nothing is left.
    pub(super) fn truncate(&mut self, keep: usize) -> bool {
        if keep >= self.end() {
            return false;
        }
        let Some(len) = keep.checked_sub(self.start).filter(|len| *len > 0) else {
            return true;
        };
        match &mut self.bytes {
            Stored::Shared(bytes) => bytes.truncate(len),
            Stored::Owned(shared) => match Arc::get_mut(shared) {
                Some(bytes) => {
                    bytes.truncate(len);
                    bytes.shrink_to(len * 2);
                }
                None => *shared = Arc::new(shared[..len].to_vec()),
            },
        }
        self.len = len;
        self.state = ChunkState::Dirty;
        false
    }

    /// Drops the bytes of a clean chunk that nobody used since the last time.
    pub(super) fn evict(&mut self) -> Eviction {
        let ChunkState::Clean(version) = &self.state else { return Eviction::Nothing };
        if std::mem::take(self.used.0.get_mut()) {
            return Eviction::Used;
        }
        self.state = ChunkState::Absent(version.clone());
        self.bytes = Stored::default();
        Eviction::Freed(self.len)
    }

    /// Drops the bytes of a dirty chunk that an upload has, if they are those
    /// that were frozen for it; returns how many.
    pub(super) fn park(&mut self, frozen: Option<&Self>, upload: &Arc<str>) -> usize {
        if !frozen.is_some_and(|frozen| self.is_unchanged(frozen)) {
            return 0;
        }
        self.state = ChunkState::Parked(upload.clone());
        self.bytes = Stored::default();
        self.len
    }

    /// Whether it is dirty, and has the bytes of `frozen`.
    pub(super) fn is_unchanged(&self, frozen: &Self) -> bool {
        self.state == ChunkState::Dirty && self.has_bytes_of(frozen)
    }

    fn has_bytes_of(&self, other: &Self) -> bool {
        self.start == other.start && self.len == other.len && self.bytes.is_same(&other.bytes)
    }

    /// The content is stored as `version` as it was when `frozen` was taken.
    pub(super) fn rebase(&mut self, frozen: Option<&Self>, version: &Arc<str>) {
        self.state = match &self.state {
            ChunkState::Dirty if frozen.is_some_and(|frozen| self.has_bytes_of(frozen)) => {
                ChunkState::Clean(version.clone())
            }
            ChunkState::Dirty => ChunkState::Dirty,
            // Unchanged since an older version, hence the same in this one.
            ChunkState::Clean(_) => ChunkState::Clean(version.clone()),
            ChunkState::Absent(_) | ChunkState::Parked(_) => ChunkState::Absent(version.clone()),
        };
    }

    /// Gives an absent chunk its bytes back; returns whether they were those
    /// that it waits for.
    pub(crate) fn fill(&mut self, version: &Arc<str>, extent: Bytes) -> bool {
        if self.state != ChunkState::Absent(version.clone()) || extent.len() != self.len {
            return false;
        }
        self.bytes = Stored::Shared(extent);
        self.state = ChunkState::Clean(version.clone());
        self.used.note();
        true
    }

    /// The extent's range in the chunk.
    pub(crate) fn extent_range(&self) -> Range<usize> {
        self.start..self.end()
    }
}
