//! Content without its holes, which the calls do not tell of: pages of zeros
//! count as holes.

use std::ops::Range;

use larder_core::PAGE_BYTES;

/// The ranges of a piece that are not zeros, by whole pages.
pub(super) fn data(piece: &[u8]) -> Vec<Range<usize>> {
    static ZEROS: [u8; PAGE_BYTES] = [0; PAGE_BYTES];
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for page in piece.chunks(PAGE_BYTES) {
        let end = start + page.len();
        if ZEROS.get(..page.len()) != Some(page) {
            match ranges.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => ranges.push(start..end),
            }
        }
        start = end;
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_zeros_are_left_out() {
        let mut piece = vec![0; 5 * PAGE_BYTES + 7];
        assert!(data(&piece).is_empty());
        for at in [1, PAGE_BYTES, 3 * PAGE_BYTES, 5 * PAGE_BYTES + 6] {
            piece.splice(at..=at, [1]);
        }
        assert_eq!(
            data(&piece),
            [0..2 * PAGE_BYTES, 3 * PAGE_BYTES..4 * PAGE_BYTES, 5 * PAGE_BYTES..5 * PAGE_BYTES + 7]
        );
        assert!(data(&[]).is_empty());
    }
}
