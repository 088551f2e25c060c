//! Which ranges of a sparse file are in its object, and where.
//!
//! The object is the header ([`sparse_header`](super::sparse_header)) and then
//! the ranges' bytes, one after another. Ranges are canonical: they ascend,
//! start at pages, end at pages or the file's end, and no two have bytes in
//! one chunk or touch. Everything else of the file is zeros.

use std::ops::Range;

use larder_core::{CHUNK_BYTES, PAGE_BYTES};

use super::sparse_header::{SparseError, header_length};

/// A file whose holes have more bytes than this together is a sparse object.
/// Below, a plain object that every tool reads is worth the zeros.
pub const LEAST_HOLE: u64 = 16 << 20;

/// The most ranges of one object. Guards the memory of who reads a header (at
/// most 260 KiB) and the time of looking into it.
pub const MOST_RANGES: usize = 1 << 14;

/// The largest file: POSIX `off_t`. Guards sums of offsets.
pub const LARGEST_SIZE: u64 = i64::MAX.unsigned_abs();

pub(super) const PAGE: u64 = PAGE_BYTES as u64;
const CHUNK: u64 = CHUNK_BYTES as u64;

/// The ranges of a sparse file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SparseMap {
    size: u64,
    header: u64,
    extents: Vec<Extent>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Extent {
    file: Range<u64>,
    /// Where it starts in the object.
    object: u64,
}

impl SparseMap {
    /// The map of a file of `size` bytes that has data in `ranges`, in any
    /// order; `None` where its holes are small: a plain object.
    ///
    /// The map's [`ranges`](Self::ranges) contain these and may be larger:
    /// whole pages, and with small holes in them where there would be more
    /// than [`MOST_RANGES`] or several in a chunk.
    #[must_use]
    pub fn new(size: u64, ranges: &[Range<u64>]) -> Option<Self> {
        if size <= LEAST_HOLE || size > LARGEST_SIZE {
            return None;
        }
        let within = |range: &Range<u64>| {
            let start = range.start - range.start % PAGE;
            let end = range.end.checked_next_multiple_of(PAGE).unwrap_or(size).min(size);
            (range.start < range.end && start < end).then_some(start..end)
        };
        let mut ranges: Vec<_> = ranges.iter().filter_map(within).collect();
        ranges.sort_unstable_by_key(|range| range.start);
        let mut least_gap = 1;
        ranges = joined(ranges, least_gap);
        while ranges.len() > MOST_RANGES {
            least_gap = if least_gap < CHUNK { CHUNK } else { least_gap.saturating_mul(2) };
            ranges = joined(ranges, least_gap);
        }
        let data: u64 = ranges.iter().map(|range| range.end - range.start).sum();
        (size - data > LEAST_HOLE).then(|| Self::placed(size, ranges))
    }

    /// From ranges that are canonical, or the error that says that they are
    /// not.
    pub(super) fn from_canonical(size: u64, ranges: Vec<Range<u64>>) -> Result<Self, SparseError> {
        if size > LARGEST_SIZE || ranges.len() > MOST_RANGES {
            return Err(SparseError::Ranges);
        }
        let alone = |range: &Range<u64>| {
            let aligned = range.start.is_multiple_of(PAGE) && (range.end.is_multiple_of(PAGE) || range.end == size);
            aligned && range.start < range.end && range.end <= size
        };
        let apart = |pair: &[Range<u64>]| match pair {
            [one, next] => one.end < next.start && !belong_together(one, next, 1),
            _ => true,
        };
        if ranges.iter().all(alone) && ranges.windows(2).all(apart) {
            Ok(Self::placed(size, ranges))
        } else {
            Err(SparseError::Ranges)
        }
    }

    fn placed(size: u64, ranges: Vec<Range<u64>>) -> Self {
        let header = header_length(ranges.len());
        let mut object = header;
        let mut extents = Vec::with_capacity(ranges.len());
        for file in ranges {
            let next = object + (file.end - file.start);
            extents.push(Extent { file, object });
            object = next;
        }
        Self { size, header, extents }
    }

    /// The file's bytes, holes included.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// What of the file is in the object, in the object's order.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = Range<u64>> + '_ {
        self.extents.iter().map(|extent| extent.file.clone())
    }

    /// Bytes of the header, which is where the first range starts.
    #[must_use]
    pub const fn header_size(&self) -> u64 {
        self.header
    }

    /// The object's bytes. An object of another length is not this map's.
    #[must_use]
    pub fn object_size(&self) -> u64 {
        self.extents.last().map_or(self.header, |extent| extent.object + (extent.file.end - extent.file.start))
    }

    /// Where a range of the file is in the object: for each piece that is data
    /// its offset in the file and its range in the object, ascending. What no
    /// piece covers is zeros up to the file's end.
    #[must_use]
    pub fn object_range(&self, range: Range<u64>) -> Vec<(u64, Range<u64>)> {
        let first = self.extents.partition_point(|extent| extent.file.end <= range.start);
        let extents = self.extents.iter().skip(first).take_while(|extent| extent.file.start < range.end);
        let piece = |extent: &Extent| {
            let start = extent.file.start.max(range.start);
            let end = extent.file.end.min(range.end);
            let object = |offset: u64| extent.object + (offset - extent.file.start);
            (start < end).then(|| (start, object(start)..object(end)))
        };
        extents.filter_map(piece).collect()
    }
}

/// Whether two ascending ranges are one: with less than `least_gap` between
/// them, or with bytes in one chunk.
fn belong_together(one: &Range<u64>, next: &Range<u64>, least_gap: u64) -> bool {
    let last = one.end.saturating_sub(1);
    next.start.saturating_sub(one.end) < least_gap || next.start / CHUNK <= last / CHUNK
}

fn joined(ranges: Vec<Range<u64>>, least_gap: u64) -> Vec<Range<u64>> {
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if belong_together(last, &range, least_gap) => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIB: u64 = 1 << 20;

    fn ranges_of(map: &SparseMap) -> Vec<Range<u64>> {
        map.ranges().collect()
    }

    #[test]
    fn small_holes_make_a_plain_object() {
        assert_eq!(SparseMap::new(0, &[]), None);
        assert_eq!(SparseMap::new(LEAST_HOLE, &[]), None);
        assert_eq!(SparseMap::new(u64::MAX, &[]), None);
        assert_eq!(SparseMap::new(64 * MIB, std::slice::from_ref(&(0..48 * MIB))), None);
        let page_more = SparseMap::new(64 * MIB, std::slice::from_ref(&(0..48 * MIB - PAGE))).unwrap();
        assert_eq!(page_more.object_size(), PAGE + 48 * MIB - PAGE);
    }

    #[test]
    fn ranges_become_canonical() {
        let size = 64 * MIB + 5;
        let ranges = [size - 1..u64::MAX, 5..6, 2 * CHUNK - 1..2 * CHUNK, 9..9, CHUNK..CHUNK + 1, size + 9..size + 99];
        let map = SparseMap::new(size, &ranges).unwrap();
        assert_eq!(ranges_of(&map), [0..PAGE, CHUNK..2 * CHUNK, 64 * MIB..size]);
        assert_eq!(map.object_size(), PAGE + PAGE + CHUNK + 5);
        assert_eq!(map.object_range(0..u64::MAX).len(), 3);
        assert_eq!(map.object_range(4000..CHUNK + 3), [(4000, PAGE + 4000..2 * PAGE), (CHUNK, 2 * PAGE..2 * PAGE + 3)]);
        assert_eq!(map.object_range(PAGE..CHUNK), []);
        #[expect(clippy::reversed_empty_ranges, reason = "the hostile case")]
        let backwards = map.object_range(9..3);
        assert_eq!(backwards, []);
        assert_eq!(map.object_range(size..u64::MAX), []);
    }

    #[test]
    fn too_many_ranges_are_joined() {
        let many = (0..3 * MOST_RANGES as u64).map(|at| at * 2 * CHUNK..at * 2 * CHUNK + 1);
        let mut ranges: Vec<_> = many.collect();
        let size = 64 * ranges.last().unwrap().end;
        ranges.push(size - 1..size);
        let map = SparseMap::new(size, &ranges).unwrap();
        assert!(map.ranges().len() <= MOST_RANGES);
        for range in ranges {
            assert_eq!(map.object_range(range).len(), 1);
        }
    }

    proptest! {
        #[test]
        fn all_data_is_in_the_object(
            size in LEAST_HOLE + 1..1 << 40,
            starts in prop::collection::vec((any::<u64>(), 0..200_000_u64), 0..40),
        ) {
            let ranges: Vec<_> = starts.into_iter().map(|(at, length)| at % size..(at % size + length)).collect();
            if let Some(map) = SparseMap::new(size, &ranges) {
                let canonical = ranges_of(&map);
                prop_assert_eq!(SparseMap::from_canonical(size, canonical.clone()), Ok(map.clone()));
                prop_assert_eq!(SparseMap::new(size, &canonical), Some(map.clone()));
                for range in ranges {
                    let end = range.end.min(size);
                    if range.start < end {
                        let pieces = map.object_range(range.start..end);
                        prop_assert_eq!(pieces.len(), 1);
                        for (at, object) in pieces {
                            prop_assert_eq!(at, range.start);
                            prop_assert_eq!(object.end - object.start, end - range.start);
                            prop_assert!(object.start >= map.header_size() && object.end <= map.object_size());
                        }
                    }
                }
            }
        }
    }
}
