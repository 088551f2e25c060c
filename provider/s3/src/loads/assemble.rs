//! Chunks of bytes that arrive in pieces of any size.

use std::collections::VecDeque;
use std::ops::Range;

/// Puts the chunks of ascending ranges of a file together. What never arrives
/// of them is zeros.
#[derive(Debug)]
pub(super) struct Assembler {
    ranges: VecDeque<Range<u64>>,
    /// What there is of the first range.
    buffer: Vec<u8>,
}

fn length(range: &Range<u64>) -> usize {
    usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX)
}

impl Assembler {
    pub(super) const fn new(ranges: VecDeque<Range<u64>>) -> Self {
        Self { ranges, buffer: Vec::new() }
    }

    /// Takes the bytes at an offset of the file, behind all before them; adds
    /// the chunks that are whole now to `done`.
    pub(super) fn put(&mut self, offset: u64, bytes: &[u8], done: &mut Vec<Vec<u8>>) {
        let mut rest = offset..offset.saturating_add(bytes.len() as u64);
        while let Some(range) = self.ranges.front() {
            let at = range.start.saturating_add(self.buffer.len() as u64);
            if rest.end <= at {
                return;
            }
            let zeros_to = rest.start.clamp(at, range.end);
            let from = rest.start.max(zeros_to);
            let to = rest.end.min(range.end).max(from);
            self.append_zeros(length(&(at..zeros_to)));
            let part = length(&(offset..from))..length(&(offset..to));
            self.reserve();
            self.buffer.extend_from_slice(bytes.get(part).unwrap_or_default());
            rest.start = to.max(rest.start);
            if !self.take_whole(done) {
                return;
            }
        }
    }

    /// Nothing more comes.
    pub(super) fn finish(mut self, done: &mut Vec<Vec<u8>>) {
        while let Some(range) = self.ranges.front() {
            self.append_zeros(length(range).saturating_sub(self.buffer.len()));
            self.take_whole(done);
        }
    }

    fn append_zeros(&mut self, count: usize) {
        if count > 0 {
            self.reserve();
            self.buffer.resize(self.buffer.len().saturating_add(count), 0);
        }
    }

    /// One allocation for each chunk, of its length.
    fn reserve(&mut self) {
        if let Some(range) = self.ranges.front()
            && self.buffer.capacity() == 0
        {
            self.buffer.reserve_exact(length(range));
        }
    }

    fn take_whole(&mut self, done: &mut Vec<Vec<u8>>) -> bool {
        let is_whole = self.ranges.front().is_some_and(|range| self.buffer.len() >= length(range));
        if is_whole {
            self.ranges.pop_front();
            done.push(std::mem::take(&mut self.buffer));
        }
        is_whole
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pieces_make_chunks(
            gaps in prop::collection::vec((0..3_u64, 1..40_u64), 1..8),
            pieces in prop::collection::vec((0..30_u64, 1..30_u64), 0..12),
        ) {
            let mut at = 0;
            let ranges: VecDeque<_> = gaps.into_iter().map(|(gap, length)| {
                let range = at + gap..at + gap + length;
                at = range.end;
                range
            }).collect();
            let mut file = vec![0_u8; 1024];
            let mut assembler = Assembler::new(ranges.clone());
            let mut done = Vec::new();
            let mut at = 0;
            for (gap, length) in pieces {
                let start = at + gap;
                at = start + length;
                let bytes: Vec<_> = (start..at).map(|at| u8::try_from(at % 255).unwrap() + 1).collect();
                file.splice(usize::try_from(start).unwrap()..usize::try_from(at).unwrap(), bytes.clone());
                assembler.put(start, &bytes, &mut done);
            }
            assembler.finish(&mut done);
            let wanted: Vec<Vec<u8>> = ranges.iter()
                .map(|range| file[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()].to_vec())
                .collect();
            prop_assert_eq!(done, wanted);
        }
    }
}
