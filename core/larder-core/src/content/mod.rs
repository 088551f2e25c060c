//! The content of one regular file: a sparse map of chunks, without locks.
//! Charging its bytes is the caller's.

mod base;
mod chunk;
mod chunks;
mod frozen;
mod map;
mod source;
mod stored;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use self::base::Base;
use self::chunk::{Chunk, extent_cost};
pub use self::chunk::{ChunkState, Eviction};
pub use self::chunks::Chunks;
pub use self::frozen::{FrozenContent, Stretch};
use self::map::ChunkMap;
pub use self::source::Source;

/// Bytes in one chunk: the unit of sharing, copy-on-write, loading and
/// eviction. A hole of a whole chunk, or at a chunk's head or tail, is free.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// Bytes in a page: the unit in which content is charged.
pub const PAGE_BYTES: usize = 4096;

const CHUNK: u64 = CHUNK_BYTES as u64;

/// What a hole reads as.
static ZEROS: [u8; CHUNK_BYTES] = [0; CHUNK_BYTES];

/// A chunk that must be loaded before the operation can go on.
#[derive(Clone, Debug)]
pub(crate) struct Absent {
    /// The chunk's index: its offset divided by [`CHUNK_BYTES`].
    pub(crate) index: u64,
    /// The version to load it from; or the upload that has it, which must be
    /// complete first.
    pub(crate) version: Arc<str>,
    /// Whether `version` is an upload.
    pub(crate) is_parked: bool,
}

/// A file's content. Cloning is cheap and shares all chunks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    len: u64,
    /// The least length since the last [`freeze`](Self::freeze).
    lowest_len: u64,
    chunks: ChunkMap,
    /// What is stored elsewhere and has no chunk here.
    base: Option<Base>,
}

/// The chunks that a range of a file, which is not empty, lies in.
#[must_use]
pub fn chunks_of(range: &Range<u64>) -> Range<u64> {
    range.start / CHUNK..range.end.div_ceil(CHUNK)
}

/// A range within a chunk, as a range of the file.
const fn in_file(index: u64, within: &Range<usize>) -> Range<u64> {
    let base = index * CHUNK;
    base + within.start as u64..base + within.end as u64
}

/// The part of `range` that lies in each chunk: index and range within it.
fn pieces(range: Range<u64>) -> impl Iterator<Item = (u64, Range<usize>)> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        if at >= range.end {
            return None;
        }
        let index = at / CHUNK;
        let base = index * CHUNK;
        let end = range.end.min(base.saturating_add(CHUNK));
        #[expect(clippy::cast_possible_truncation, reason = "both are at most CHUNK_BYTES")]
        let within = (at - base) as usize..(end - base) as usize;
        at = end;
        Some((index, within))
    })
}

impl Content {
    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    /// The range of a read of `length` bytes at `offset`, cut at the end of
    /// the file.
    fn clamp(&self, offset: u64, length: usize) -> Range<u64> {
        let end = offset.saturating_add(length as u64).min(self.len);
        offset.min(end)..end
    }

    /// A chunk, also one that is only stored; `None` for a hole.
    fn chunk(&self, index: u64) -> Option<Cow<'_, Chunk>> {
        match self.chunks.get(index) {
            Some(chunk) => Some(Cow::Borrowed(chunk)),
            None => self.base.as_ref()?.chunk(index).map(Cow::Owned),
        }
    }

    /// The index of the last chunk.
    fn last_index(&self) -> Option<u64> {
        let stored = self.base.as_ref().and_then(|base| base.ranges().next_back()).map(|range| (range.end - 1) / CHUNK);
        self.chunks.last().map(|(last, _)| last).max(stored)
    }

    /// Shares the bytes of a range with the caller.
    pub(crate) fn read(&self, offset: u64, length: usize) -> Result<Chunks, Absent> {
        let mut out = Chunks::default();
        for (index, within) in pieces(self.clamp(offset, length)) {
            match self.chunk(index) {
                None => out.push_zeros(within.len()),
                Some(chunk) => chunk.share(index, within, &mut out)?,
            }
        }
        Ok(out)
    }

    /// Copies the bytes of a range into `buffer`; returns how many.
    pub(crate) fn read_into(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Absent> {
        let range = self.clamp(offset, buffer.len());
        let mut rest = buffer;
        let mut done = 0;
        for (index, within) in pieces(range) {
            let (part, tail) = rest.split_at_mut(within.len());
            done += part.len();
            rest = tail;
            match self.chunk(index) {
                None => part.fill(0),
                Some(chunk) => chunk.copy(index, within, part)?,
            }
        }
        Ok(done)
    }

    /// The first chunk of a range that must be loaded.
    pub(crate) fn first_absent(&self, offset: u64, length: usize) -> Option<Absent> {
        pieces(self.clamp(offset, length)).find_map(|(index, within)| {
            let chunk = self.chunk(index).filter(|chunk| chunk.overlaps(&within))?;
            chunk.loaded(index).err()
        })
    }

    /// Hands out the bytes of a range in order, in pieces that lie in the
    /// store, or in a page of zeros; returns how many. Fails before the first
    /// piece where one is not loaded.
    pub(crate) fn visit(&self, offset: u64, length: usize, visitor: &mut dyn FnMut(&[u8])) -> Result<usize, Absent> {
        let range = self.clamp(offset, length);
        for (index, within) in pieces(range.clone()) {
            if let Some(chunk) = self.chunk(index)
                && chunk.overlaps(&within)
            {
                chunk.loaded(index)?;
            }
        }
        let mut done = 0;
        for (index, within) in pieces(range) {
            done += within.len();
            match self.chunk(index) {
                None => visitor(ZEROS.get(within).unwrap_or_default()),
                Some(chunk) => chunk.visit(&within, visitor),
            }
        }
        Ok(done)
    }

    /// How many more bytes the file is charged once `length` bytes at
    /// `offset` are written; the caller has checked that the sum fits.
    pub(crate) fn write_cost(&self, offset: u64, length: usize) -> u64 {
        pieces(offset..offset + length as u64)
            .map(|(index, within)| match self.chunk(index) {
                None => extent_cost(&within),
                Some(chunk) => chunk.growth_cost(&within),
            })
            .sum()
    }

    /// Writes `data` at `offset`, which together fit in a `u64`. Fails without
    /// writing anything where a chunk would be overwritten in part that is
    /// not loaded.
    pub(crate) fn write(&mut self, offset: u64, data: &dyn Source) -> Result<(), Absent> {
        let end = offset + data.len() as u64;
        for (index, within) in pieces(offset..end) {
            if let Some(chunk) = self.chunk(index)
                && (chunk.is_parked() || !chunk.covered_by(&within))
            {
                chunk.loaded(index)?;
            }
        }
        let mut done = 0;
        for (index, within) in pieces(offset..end) {
            let part = done..done + within.len();
            done = part.end;
            if let Some(chunk) = self.chunks.get_mut(index) {
                chunk.write(within.start, data, part);
                continue;
            }
            // A file that grows in order gets whole chunks at once: each is
            // paid for by the full one before it, so memory stays within
            // twice what is charged.
            let follows = within.start == 0 && index > 0 && self.chunks.get(index - 1).is_some_and(Chunk::is_full);
            let reserve = if follows { CHUNK_BYTES } else { part.len() };
            let mut chunk = Chunk::empty(within.start, reserve);
            chunk.write(within.start, data, part);
            self.chunks.insert(index, chunk);
        }
        self.len = self.len.max(end);
        Ok(())
    }

    /// Adds bytes behind the last chunk, without a copy. `None`, where nothing
    /// was done, if they are empty, do not start at a page, or begin in or
    /// before the last chunk.
    pub(crate) fn push_shared(&mut self, offset: u64, bytes: Bytes) -> Option<()> {
        let end = offset.checked_add(bytes.len() as u64)?;
        let behind = self.last_index().is_none_or(|last| offset / CHUNK > last);
        if bytes.is_empty() || !offset.is_multiple_of(PAGE_BYTES as u64) || !behind {
            return None;
        }
        let mut rest = bytes;
        for (index, within) in pieces(offset..end) {
            self.chunks.insert(index, Chunk::shared(within.start, rest.split_to(within.len())));
        }
        self.len = self.len.max(end);
        Some(())
    }

    /// Sets the length; what is cut off reads as zeros if the file grows
    /// again. Returns the bytes no longer charged.
    pub(crate) fn set_len(&mut self, len: u64) -> Result<u64, Absent> {
        if len >= self.len {
            self.len = len;
            return Ok(0);
        }
        let index = len / CHUNK;
        #[allow(clippy::cast_possible_truncation, reason = "below CHUNK_BYTES")]
        let keep = (len % CHUNK) as usize;
        if keep > 0
            && let Some(chunk) = self.chunks.get(index)
            && chunk.is_cut_by(keep)
        {
            chunk.loaded(index)?;
        }
        // What is parked is only to be had once the backend has all of it.
        if let Some((parked, chunk)) = self.chunks.parked_from(index) {
            chunk.loaded(parked)?;
        }
        let before = self.cost_from(index);
        self.chunks.cut(if keep == 0 { index } else { index + 1 });
        if keep > 0
            && let Some(chunk) = self.chunks.get_mut(index)
            && chunk.truncate(keep)
        {
            self.chunks.remove(index);
        }
        if let Some(base) = &mut self.base {
            base.cut(len);
        }
        self.len = len;
        self.lowest_len = self.lowest_len.min(len);
        Ok(before - self.cost_from(index))
    }

    /// What is charged for the chunks from `index` on.
    fn cost_from(&self, index: u64) -> u64 {
        let stored = self.base.as_ref().map_or(0, |base| base.cost_from(index));
        // A chunk's extent holds what is stored of it.
        self.chunks.from(index).fold(stored, |sum, (at, chunk)| sum - self.stored_cost(at) + chunk.cost())
    }

    /// The bytes that are charged for this content.
    pub(crate) fn cost(&self) -> u64 {
        self.cost_from(0)
    }

    /// What is charged for a chunk as it is stored, if it is.
    fn stored_cost(&self, index: u64) -> u64 {
        self.base.as_ref().map_or(0, |base| base.cost_of(index))
    }

    /// The extents, ascending: offset in the file and bytes.
    pub(crate) fn extents(&self) -> impl Iterator<Item = Result<(u64, Bytes), Absent>> + '_ {
        // The first chunk that is stored alone asks for itself.
        let missing = self.base.as_ref().and_then(|base| {
            let mut indices = base.ranges().flat_map(|range| chunks_of(&range));
            let index = indices.find(|index| self.chunks.get(*index).is_none())?;
            Some(Absent { index, version: base.version().clone(), is_parked: false })
        });
        let chunks = self.chunks.iter().map(|(index, chunk)| {
            chunk.loaded(index)?;
            let (start, bytes) = chunk.extent();
            Ok((index * CHUNK + start as u64, bytes))
        });
        missing.into_iter().map(Err).chain(chunks)
    }

    pub(crate) fn states(&self) -> impl Iterator<Item = (u64, ChunkState)> + '_ {
        self.stretches()
            .into_iter()
            .flat_map(|stretch| chunks_of(&stretch.range).map(move |index| (index, stretch.state.clone())))
    }

    /// Changes one chunk's residency; `None` where there is no such chunk. One
    /// that is only stored gets its place among the chunks.
    pub(crate) fn with_chunk<T>(&mut self, index: u64, change: impl FnOnce(&mut Chunk) -> T) -> Option<T> {
        if self.chunks.get(index).is_none() {
            self.chunks.insert(index, self.base.as_ref()?.chunk(index)?);
        }
        self.chunks.get_mut(index).map(change)
    }

    /// Drops the bytes of a clean chunk.
    pub(crate) fn evict(&mut self, index: u64) -> Eviction {
        let Some(chunk) = self.chunks.get_mut(index) else { return Eviction::Nothing };
        let done = chunk.evict();
        if let Eviction::Freed(_) = done
            && let Some(stored) = self.base.as_ref().and_then(|base| base.chunk(index))
            && stored.is_same_absent(chunk)
        {
            self.chunks.remove(index);
        }
        done
    }

    /// The chunks of a range alone, sharing their bytes. Unlike
    /// [`freeze`](Self::freeze), it does not begin anew to remember cuts.
    pub(crate) fn some_chunks(&self, indices: Range<u64>) -> Self {
        let mut chunks = ChunkMap::default();
        for (index, chunk) in self.chunks.from(indices.start).take_while(|(index, _)| *index < indices.end) {
            chunks.insert(index, chunk.clone());
        }
        Self { len: self.len, lowest_len: self.len, chunks, base: None }
    }

    /// Whether all chunks of a range are dirty, and have the bytes that they
    /// had when `frozen` was taken.
    pub(crate) fn is_unchanged(&self, frozen: &Self, mut indices: Range<u64>) -> bool {
        indices.all(|index| {
            let chunks = self.chunks.get(index).zip(frozen.chunks.get(index));
            chunks.is_some_and(|(chunk, frozen)| chunk.is_unchanged(frozen))
        })
    }

    /// Drops the bytes of dirty chunks that an upload has as they were when
    /// `frozen` was taken; answers how many.
    pub(crate) fn park(&mut self, frozen: &Self, indices: Range<u64>, upload: &Arc<str>) -> usize {
        let mut freed = 0;
        for index in indices {
            if let Some(chunk) = self.chunks.get_mut(index) {
                freed += chunk.park(frozen.chunks.get(index), upload);
            }
        }
        freed
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test may panic")]
    #![allow(clippy::cast_possible_truncation, reason = "bytes that differ from place to place")]
    use super::*;

    fn all(content: &Content) -> Vec<u8> {
        content.read(0, usize::MAX).unwrap().into_bytes().to_vec()
    }

    #[test]
    fn writes_read_back_across_chunk_borders() {
        let mut content = Content::default();
        let data: Vec<u8> = (0..200_000u32).map(|i| (i % 251) as u8).collect();
        content.write(1000, &&*data).unwrap();
        let got = all(&content);
        assert_eq!(&got[..1000], &[0; 1000]);
        assert_eq!(&got[1000..], &data[..]);
        let mut part = vec![0; 70_000];
        assert_eq!(content.read_into(60_000, &mut part).unwrap(), 70_000);
        assert_eq!(part, &got[60_000..130_000]);
    }

    #[test]
    fn the_cost_told_before_a_write_is_the_cost_after_it() {
        let mut content = Content::default();
        let mut charged = 0;
        for (offset, length) in [(65_535, 2), (0, 1), (200_000, 100_000), (4096, 1), (131_071, 70_000)] {
            charged += content.write_cost(offset, length);
            content.write(offset, &&*vec![1; length]).unwrap();
            assert_eq!(content.cost(), charged, "after {length} at {offset}");
        }
        charged -= content.set_len(150_000).unwrap();
        assert_eq!(content.cost(), charged);
        charged -= content.set_len(0).unwrap();
        assert_eq!((content.cost(), charged), (0, 0));
    }

    #[test]
    fn holes_cost_nothing() {
        let mut content = Content::default();
        content.write((1 << 40) - 1, &&b"x"[..]).unwrap();
        assert_eq!(content.cost(), PAGE_BYTES as u64);
        content.set_len(1 << 50).unwrap();
        assert_eq!(content.cost(), PAGE_BYTES as u64);
    }

    #[test]
    fn what_was_cut_off_reads_as_zeros_again() {
        let mut content = Content::default();
        content.write(0, &&[7; 100][..]).unwrap();
        content.set_len(10).unwrap();
        content.set_len(100).unwrap();
        assert_eq!(all(&content)[..20], [[7; 10], [0; 10]].concat());
    }

    #[test]
    fn a_reader_keeps_what_it_was_given() {
        let mut content = Content::default();
        content.write(0, &&[1; 100][..]).unwrap();
        let held = content.read(0, 100).unwrap().into_bytes();
        let frozen = content.clone();
        content.write(50, &&[2; 100][..]).unwrap();
        assert_eq!(held, [1; 100][..]);
        assert_eq!(all(&frozen), [1; 100]);
    }

    /// Bytes that are made as they are asked for, as of another memory.
    struct Made(usize);

    impl Source for Made {
        fn len(&self) -> usize {
            self.0
        }
        fn copy_to(&self, from: usize, out: &mut [u8]) {
            (from..).zip(out).for_each(|(at, byte)| *byte = (at % 251) as u8);
        }
        fn append_to(&self, range: Range<usize>, out: &mut Vec<u8>) {
            assert!(out.capacity() - out.len() >= range.len(), "no room");
            out.extend(range.map(|at| (at % 251) as u8));
        }
    }

    #[test]
    fn each_byte_of_a_source_is_asked_for_at_its_place() {
        for (offset, length, before) in [(0, 200_000, 0), (5, 70_000, 100_000), (65_530, 12, 65_532), (9_000, 1, 1)] {
            let mut content = Content::default();
            content.write(0, &&*vec![9; before]).unwrap();
            content.write(offset, &Made(length)).unwrap();
            let made = content.read(offset, length).unwrap().into_bytes();
            assert!(made.iter().enumerate().all(|(at, byte)| *byte == (at % 251) as u8), "{length} at {offset}");
            assert_eq!(content.len(), (before as u64).max(offset + length as u64));
        }
    }

    #[test]
    fn a_visitor_sees_what_a_reader_reads() {
        let mut content = Content::default();
        let data: Vec<u8> = (0..90_000u32).map(|i| (i % 251) as u8).collect();
        content.write(70_000, &&*data).unwrap();
        content.set_len(400_000).unwrap();
        let whole = all(&content);
        for (offset, length) in [(0, usize::MAX), (69_999, 2), (65_536, 65_536), (159_999, 100_000), (400_000, 1)] {
            let mut seen = Vec::new();
            let count = content.visit(offset, length, &mut |piece| seen.extend_from_slice(piece)).unwrap();
            assert_eq!(count, seen.len());
            assert_eq!(seen, content.read(offset, length).unwrap().into_bytes());
        }
        assert_eq!(whole.len(), 400_000);
    }

    #[test]
    fn a_visitor_sees_nothing_of_a_range_that_must_be_loaded() {
        let mut content = Content::default();
        content.write(0, &&[5; 2 * CHUNK_BYTES][..]).unwrap();
        let frozen = content.freeze();
        assert!(content.stored(&frozen.content, &"v1".into()));
        content.evict(1);
        let mut pieces = 0;
        assert_eq!(content.visit(0, usize::MAX, &mut |_| pieces += 1).unwrap_err().index, 1);
        assert_eq!(pieces, 0);
        assert_eq!(content.visit(0, CHUNK_BYTES, &mut |_| pieces += 1).unwrap(), CHUNK_BYTES);
        assert_eq!(pieces, 1);
    }

    #[test]
    fn an_evicted_chunk_asks_to_be_loaded() {
        let mut content = Content::default();
        content.write(0, &&[5; 10][..]).unwrap();
        let version: Arc<str> = "v1".into();
        assert_eq!(content.evict(0), Eviction::Nothing, "dirty chunks stay");
        let frozen = content.freeze();
        assert!(content.stored(&frozen.content, &version));
        assert_eq!(content.evict(0), Eviction::Freed(10));
        assert_eq!(content.read(0, 10).unwrap_err().index, 0);
        assert!(content.write(2, &&b"x"[..]).is_err(), "a partial overwrite needs the rest");
        assert!(content.with_chunk(0, |c| c.fill(&version, Bytes::from_static(&[5; 10]))).unwrap());
        assert_eq!(all(&content), [5; 10]);
        content.evict(0);
        content.write(0, &&[6; 10][..]).unwrap();
        assert_eq!(all(&content), [6; 10]);
    }
}
