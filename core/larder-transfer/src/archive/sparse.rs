//! Sparse files in tar streams: the map of where data goes.

use tar::{GnuExtSparseHeader, GnuSparseHeader};

use super::number::{decimal, field};

/// The most segments of one file: bounds memory.
pub(super) const MOST_SEGMENTS: usize = 1 << 20;

/// A piece of data; what is between pieces is a hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// Where it goes, in bytes from the start of the file.
    pub(super) offset: u64,
    /// In bytes.
    pub(super) length: u64,
}

/// Checks that the segments ascend, lie within `size`, and are `stored` bytes
/// in all. All but the last must be whole blocks: of others, some programs
/// store each from a block's start and some do not.
pub(super) fn check(map: &[Segment], size: u64, stored: u64) -> Result<(), &'static str> {
    let mut end = 0;
    let mut sum = 0u64;
    for segment in map {
        if segment.offset < end {
            return Err("the pieces of a sparse file overlap");
        }
        if segment.length > 0 && !sum.is_multiple_of(super::BLOCK as u64) {
            return Err("a piece of a sparse file is no whole blocks");
        }
        end = segment
            .offset
            .checked_add(segment.length)
            .filter(|end| *end <= size)
            .ok_or("a sparse file is too short")?;
        sum = sum.saturating_add(segment.length);
    }
    if sum == stored { Ok(()) } else { Err("a sparse file has another length than its map") }
}

/// Segments in old GNU headers.
pub(super) fn from_headers(headers: &[GnuSparseHeader], map: &mut Vec<Segment>) -> Result<(), &'static str> {
    for header in headers {
        // An unused slot is all NULs; a used one may have length zero.
        if header.offset.first() == Some(&0) || header.numbytes.first() == Some(&0) {
            return Ok(());
        }
        let number =
            |bytes| field(bytes).and_then(|value| u64::try_from(value).ok()).ok_or("a sparse map is malformed");
        map.push(Segment { offset: number(&header.offset)?, length: number(&header.numbytes)? });
        if map.len() > MOST_SEGMENTS {
            return Err("a sparse file of too many pieces");
        }
    }
    Ok(())
}

/// Segments in a block that continues an old GNU header; says whether another
/// follows.
pub(super) fn from_block(block: &[u8; super::BLOCK], map: &mut Vec<Segment>) -> Result<bool, &'static str> {
    let mut header = GnuExtSparseHeader::new();
    header.as_mut_bytes().copy_from_slice(block);
    from_headers(header.sparse(), map)?;
    Ok(header.is_extended())
}

/// The map at the head of the content in PAX format 1.0: decimal numbers, each
/// with a line break: how many segments, then offset and length of each.
#[derive(Debug, Default)]
pub(super) struct ContentMap {
    digits: Vec<u8>,
    count: Option<u64>,
    offset: Option<u64>,
    map: Vec<Segment>,
}

impl ContentMap {
    /// Takes one block; gives the map once it is complete. What is left of the
    /// block is padding.
    pub(super) fn take(&mut self, block: &[u8]) -> Result<Option<Vec<Segment>>, &'static str> {
        for byte in block {
            if *byte != b'\n' {
                self.digits.push(*byte);
                if self.digits.len() > 20 {
                    return Err("a sparse map is malformed");
                }
                continue;
            }
            let number =
                decimal(&self.digits).filter(|_| !self.digits.is_empty()).ok_or("a sparse map is malformed")?;
            self.digits.clear();
            match (self.count, self.offset.take()) {
                (None, _) if number > MOST_SEGMENTS as u64 => return Err("a sparse file of too many pieces"),
                (None, _) => self.count = Some(number),
                (_, None) => self.offset = Some(number),
                (_, Some(offset)) => self.map.push(Segment { offset, length: number }),
            }
            if self.count == Some(self.map.len() as u64) {
                return Ok(Some(std::mem::take(&mut self.map)));
            }
        }
        Ok(None)
    }
}

/// The map as PAX format 1.0 has it, padded to whole blocks.
pub(super) fn content_map(map: &[Segment]) -> Vec<u8> {
    let mut text = format!("{}\n", map.len());
    for Segment { offset, length } in map {
        text.push_str(&format!("{offset}\n{length}\n"));
    }
    let mut bytes = text.into_bytes();
    bytes.resize(bytes.len().next_multiple_of(super::BLOCK), 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_map_round_trips_block_by_block() {
        for count in [0, 1, 40, 1_000] {
            let map: Vec<_> = (0..count).map(|i| Segment { offset: i * 10_000, length: 4_096 }).collect();
            let bytes = content_map(&map);
            let mut reader = ContentMap::default();
            let mut blocks = bytes.chunks(super::super::BLOCK);
            let read = blocks.find_map(|block| reader.take(block).unwrap());
            assert_eq!(read.as_ref(), Some(&map));
            assert_eq!(blocks.next(), None);
            check(&map, count * 10_000, count * 4_096).unwrap();
        }
    }

    #[test]
    fn maps_that_make_no_sense_are_refused() {
        let segment = |offset, length| Segment { offset, length };
        assert!(check(&[segment(0, 10), segment(5, 10)], 100, 20).is_err());
        assert!(check(&[segment(90, 11)], 100, 11).is_err());
        assert!(check(&[segment(u64::MAX, 2)], u64::MAX, 2).is_err());
        assert!(check(&[segment(0, 10)], 100, 11).is_err());
        assert!(check(&[segment(0, 10), segment(50, 1)], 100, 11).is_err());
        check(&[segment(0, 512), segment(600, 1), segment(700, 0)], 700, 513).unwrap();
        assert!(ContentMap::default().take(b"999999999\n").is_err());
        assert!(ContentMap::default().take(b"1\nx\n").is_err());
        assert!(ContentMap::default().take(&[b'1'; 512]).is_err());
    }
}
