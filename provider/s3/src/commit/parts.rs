//! Which parts make an object: what is uploaded, and what the server copies from
//! the object that the content was.

use std::ops::Range;

use larder_bucket::{MOST_PARTS, SMALLEST_PART};

use crate::options::S3Options;

/// A part that the server copies, at most, where parts need not be larger: 256 MiB.
/// Guards against a request that takes longer than it may.
const COPIED_PART: u64 = 256 << 20;

/// A range of an object, with the part's number.
pub(super) type Numbered = (u32, Range<u64>);

/// Parts that cover an object of `size` bytes of which nothing is copied.
pub(super) fn uploaded(size: u64) -> Vec<Numbered> {
    number(pieces(0..size, least(size, S3Options::PART)))
}

/// Parts that cover an object that is copied as it is.
pub(super) fn copied(size: u64) -> Vec<Numbered> {
    number(pieces(0..size, least(size, COPIED_PART)))
}

/// Parts that cover an object, of which the ranges `unchanged` (ascending, apart)
/// are to be had by copying: few and large copies, and uploads of little more
/// than what is between them. Each part but the last has [`SMALLEST_PART`] bytes
/// (S3 API, "Multipart upload limits").
pub(super) fn around(size: u64, unchanged: &[Range<u64>]) -> Vec<Numbered> {
    let (mut done, mut at) = (Vec::new(), 0);
    let (upload, copy) = (least(size, S3Options::PART), least(size, COPIED_PART));
    for range in unchanged {
        // What is uploaded before it has to be a whole part.
        let from = if range.start > at { range.start.max(at + SMALLEST_PART) } else { at };
        let to = range.end.min(size);
        let is_last = to == size;
        if from >= to || (to - from < SMALLEST_PART && !is_last) {
            continue;
        }
        done.extend(pieces(at..from, upload));
        done.extend(pieces(from..to, copy));
        at = to;
    }
    done.extend(pieces(at..size, upload));
    if done.len() > MOST_PARTS as usize { uploaded(size) } else { number(done) }
}

/// Bytes of a part, so that there are not too many of them.
fn least(size: u64, usual: u64) -> u64 {
    size.div_ceil(u64::from(MOST_PARTS)).max(usual).next_multiple_of(1 << 20)
}

/// A range in pieces of `length`; the last may be shorter, but not shorter than a
/// part may be unless the range is.
fn pieces(range: Range<u64>, length: u64) -> impl Iterator<Item = Range<u64>> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        let left = range.end.saturating_sub(at);
        let rest = left.saturating_sub(length);
        let taken = match rest {
            0 => left,
            // The rest would be too short: both together, in two halves where
            // these are not.
            _ if rest < SMALLEST_PART && left / 2 >= SMALLEST_PART => left.div_ceil(2),
            _ if rest < SMALLEST_PART => left,
            _ => length,
        };
        let piece = at..at + taken;
        at = piece.end;
        (taken > 0).then_some(piece)
    })
}

fn number(pieces: impl IntoIterator<Item = Range<u64>>) -> Vec<Numbered> {
    (1..).zip(pieces).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIB: u64 = 1 << 20;

    fn ranges(parts: &[Numbered]) -> Vec<Range<u64>> {
        parts.iter().map(|(_, range)| range.start / MIB..range.end.div_ceil(MIB)).collect()
    }

    fn one(range: Range<u64>) -> Vec<Range<u64>> {
        std::iter::once(range).collect()
    }

    #[test]
    fn what_is_appended_is_uploaded_and_the_rest_is_one_copy() {
        assert_eq!(ranges(&around(31 * MIB, &one(0..30 * MIB))), [0..30, 30..31]);
    }

    #[test]
    fn a_change_within_is_a_part_between_two_copies() {
        let parts = around(100 * MIB, &[0..50 * MIB, 51 * MIB..100 * MIB]);
        assert_eq!(ranges(&parts), [0..50, 50..55, 55..100]);
    }

    #[test]
    fn what_is_too_short_for_a_copy_is_uploaded() {
        assert_eq!(ranges(&around(20 * MIB, &one(0..4 * MIB))), [0..8, 8..14, 14..20]);
    }

    #[test]
    fn a_new_object_is_parts_of_8_mib() {
        assert_eq!(ranges(&uploaded(32 * MIB)), [0..8, 8..16, 16..24, 24..32]);
        assert_eq!(ranges(&copied(600 * MIB)), [0..256, 256..512, 512..600]);
    }

    proptest! {
        #[test]
        fn parts_cover_the_object_and_are_long_enough(
            lengths in prop::collection::vec((0..12 * MIB, 1..300 * MIB), 0..12),
            tail in 0..20 * MIB,
        ) {
            let mut at = 0;
            let unchanged: Vec<_> = lengths.into_iter().map(|(gap, length)| {
                let range = at + gap + 1..at + gap + 1 + length;
                at = range.end;
                range
            }).collect();
            let size = at + tail + 1;
            for (parts, unchanged) in [(around(size, &unchanged), &*unchanged), (uploaded(size), &[]), (copied(size), &[])] {
                let mut at = 0;
                for (index, (number, range)) in parts.iter().enumerate() {
                    prop_assert_eq!(*number as usize, index + 1);
                    prop_assert_eq!(range.start, at);
                    at = range.end;
                    let length = range.end - range.start;
                    prop_assert!(length >= SMALLEST_PART || at == size, "{range:?} of {size}");
                    let is_copied = unchanged.iter().any(|old| old.start <= range.start && range.end <= old.end);
                    let most = if is_copied || unchanged.is_empty() { COPIED_PART } else { S3Options::PART };
                    prop_assert!(length < most + SMALLEST_PART);
                }
                prop_assert_eq!(at, size);
            }
        }
    }
}
