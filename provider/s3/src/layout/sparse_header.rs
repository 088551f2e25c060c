//! The header of a sparse object. Numbers are little-endian.
//!
//! | Bytes | What |
//! | --- | --- |
//! | 8 | `LARDERSP` |
//! | 4 | version, 1 |
//! | 4 | count of ranges |
//! | 8 | the file's size |
//! | 16 each | a range's offset in the file, and its length |
//! | … | zeros |
//! | 4 | CRC-32 (ISO-HDLC) of all before |
//!
//! Its length is the least multiple of a page that holds this.

use std::fmt;

use larder_core::PAGE_BYTES;

use super::sparse::{LARGEST_SIZE, MOST_RANGES, SparseMap};

const MAGIC: [u8; 8] = *b"LARDERSP";
const VERSION: u32 = 1;
const CHECKSUM_BYTES: usize = 4;
/// Magic, version, count, size.
const FIXED_BYTES: usize = 24;
const RANGE_BYTES: usize = 16;

/// Why bytes are no sparse object's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SparseError {
    /// Another beginning. The object is the file itself, as another tool may
    /// have replaced the body and kept the metadata.
    Magic,
    /// Of a newer Larder.
    Version(u32),
    /// More than [`MOST_RANGES`].
    Count(u32),
    /// Fewer bytes than the header has.
    Short,
    /// Damaged.
    Checksum,
    /// Of a file of another size than the metadata say.
    Size(u64),
    /// Ranges that Larder does not write.
    Ranges,
}

impl fmt::Display for SparseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => f.write_str("the object does not begin as a sparse object"),
            Self::Version(version) => {
                write!(f, "the sparse object has version {version}; this Larder reads {VERSION}: use a newer one")
            }
            Self::Count(count) => write!(f, "the sparse object has {count} ranges; {MOST_RANGES} is the most"),
            Self::Short => f.write_str("the sparse object ends within its header"),
            Self::Checksum => f.write_str("the header of the sparse object is damaged: its checksum differs"),
            Self::Size(size) => {
                write!(f, "the sparse object is of a file of {size} bytes, and its metadata of one of another size")
            }
            Self::Ranges => f.write_str("the ranges of the sparse object overlap, are not aligned or leave the file"),
        }
    }
}

impl std::error::Error for SparseError {}

pub(super) const fn header_length(count: usize) -> u64 {
    ((FIXED_BYTES + count * RANGE_BYTES + CHECKSUM_BYTES).next_multiple_of(PAGE_BYTES)) as u64
}

/// Cuts a number's bytes off the front.
fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], SparseError> {
    let (taken, rest) = bytes.split_first_chunk().ok_or(SparseError::Short)?;
    *bytes = rest;
    Ok(*taken)
}

/// The count, and what follows it.
fn begin(mut bytes: &[u8]) -> Result<(usize, &[u8]), SparseError> {
    if take(&mut bytes)? != MAGIC {
        return Err(SparseError::Magic);
    }
    let version = u32::from_le_bytes(take(&mut bytes)?);
    if version != VERSION {
        return Err(SparseError::Version(version));
    }
    let count = u32::from_le_bytes(take(&mut bytes)?);
    match usize::try_from(count) {
        Ok(ranges) if ranges <= MOST_RANGES => Ok((ranges, bytes)),
        _ => Err(SparseError::Count(count)),
    }
}

/// Bytes of the header, from the first page (or 16 bytes) of an object.
///
/// # Errors
///
/// They are not the beginning of a header.
pub fn header_bytes(beginning: &[u8]) -> Result<u64, SparseError> {
    begin(beginning).map(|(count, _)| header_length(count))
}

impl SparseMap {
    /// The header, of [`header_size`](Self::header_size) bytes.
    #[must_use]
    pub fn encode_header(&self) -> Vec<u8> {
        let ranges = self.ranges();
        let length = usize::try_from(self.header_size()).unwrap_or(usize::MAX);
        let mut header = Vec::with_capacity(length);
        header.extend(MAGIC);
        header.extend(VERSION.to_le_bytes());
        header.extend(u32::try_from(ranges.len()).unwrap_or(u32::MAX).to_le_bytes());
        header.extend(self.size().to_le_bytes());
        for range in ranges {
            header.extend(range.start.to_le_bytes());
            header.extend((range.end - range.start).to_le_bytes());
        }
        header.resize(length - CHECKSUM_BYTES, 0);
        header.extend(crc32fast::hash(&header).to_le_bytes());
        header
    }

    /// From an object's first bytes, the whole header at least, and the
    /// file's size by its metadata. The caller compares
    /// [`object_size`](Self::object_size) with the object's.
    ///
    /// # Errors
    ///
    /// It is no header, is damaged, or is not of such a file.
    pub fn decode_header(bytes: &[u8], size: u64) -> Result<Self, SparseError> {
        let (count, mut rest) = begin(bytes)?;
        let length = usize::try_from(header_length(count)).unwrap_or(usize::MAX);
        let header = bytes.get(..length).ok_or(SparseError::Short)?;
        let (checked, checksum) = header.split_last_chunk().ok_or(SparseError::Short)?;
        if crc32fast::hash(checked) != u32::from_le_bytes(*checksum) {
            return Err(SparseError::Checksum);
        }
        let written = u64::from_le_bytes(take(&mut rest)?);
        if written != size || size > LARGEST_SIZE {
            return Err(SparseError::Size(written));
        }
        let mut ranges = Vec::with_capacity(count);
        for _ in 0..count {
            let start = u64::from_le_bytes(take(&mut rest)?);
            let length = u64::from_le_bytes(take(&mut rest)?);
            ranges.push(start..start.checked_add(length).ok_or(SparseError::Ranges)?);
        }
        let padding = checked.get(FIXED_BYTES + count * RANGE_BYTES..).unwrap_or_default();
        if padding.iter().any(|byte| *byte != 0) {
            return Err(SparseError::Ranges);
        }
        Self::from_canonical(size, ranges)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::layout::LEAST_HOLE;

    const SIZE: u64 = 1 << 30;

    /// A header with a right checksum, whatever it says.
    fn forged(count: u32, size: u64, ranges: &[(u64, u64)]) -> Vec<u8> {
        let mut header = [&MAGIC[..], &VERSION.to_le_bytes(), &count.to_le_bytes(), &size.to_le_bytes()].concat();
        for (start, length) in ranges {
            header.extend(start.to_le_bytes());
            header.extend(length.to_le_bytes());
        }
        let length = (header.len() + CHECKSUM_BYTES).next_multiple_of(PAGE_BYTES);
        header.resize(length - CHECKSUM_BYTES, 0);
        header.extend(crc32fast::hash(&header).to_le_bytes());
        header
    }

    #[test]
    fn the_bytes_are_these() {
        let map = SparseMap::new(SIZE, &[5..6, SIZE - 1..SIZE]).unwrap();
        assert_eq!(map.encode_header(), forged(2, SIZE, &[(0, 4096), (SIZE - 4096, 4096)]));
        assert_eq!(header_bytes(&map.encode_header()[..16]), Ok(4096));
        assert_eq!(header_length(MOST_RANGES), 266_240);
    }

    #[test]
    fn hostile_headers_are_refused() {
        let one = |range| SparseMap::decode_header(&forged(1, SIZE, &[range]), SIZE);
        assert!(one((0, 4096)).is_ok());
        for range in [(1, 4096), (0, 0), (0, 1), (SIZE, 4096), (SIZE - 4096, 8192), (4096, u64::MAX), (0, u64::MAX)] {
            assert_eq!(one(range), Err(SparseError::Ranges), "{range:?}");
        }
        let two = |one, next| SparseMap::decode_header(&forged(2, SIZE, &[one, next]), SIZE);
        assert!(two((0, 4096), (65536, 4096)).is_ok());
        for next in [(0, 4096), (4096, 4096), (61440, 4096)] {
            assert_eq!(two((0, 4096), next), Err(SparseError::Ranges), "{next:?}");
            assert_eq!(two((65536, 4096), next), Err(SparseError::Ranges), "{next:?}");
        }
        // They touch at a chunk's end.
        assert_eq!(two((0, 65536), (65536, 4096)), Err(SparseError::Ranges));
        let decode = |header: &[u8]| SparseMap::decode_header(header, SIZE);
        assert_eq!(decode(&forged(0, 1, &[])), Err(SparseError::Size(1)));
        assert_eq!(decode(&forged(u32::MAX, SIZE, &[])), Err(SparseError::Count(u32::MAX)));
        assert_eq!(decode(&forged(300, SIZE, &[])), Err(SparseError::Short));
        assert_eq!(decode(&forged(0, SIZE, &[(4096, 0)])), Err(SparseError::Ranges));
        assert_eq!(decode(b"a plain file's content"), Err(SparseError::Magic));
        assert_eq!(decode(b""), Err(SparseError::Short));
        let mut newer = forged(0, SIZE, &[]);
        newer[8] = 2;
        assert_eq!(decode(&newer), Err(SparseError::Version(2)));
        let huge = u64::MAX;
        assert_eq!(SparseMap::decode_header(&forged(0, huge, &[]), huge), Err(SparseError::Size(huge)));
    }

    proptest! {
        #[test]
        fn headers_survive(starts in prop::collection::vec(0..SIZE, 0..600), after in 0..9_usize) {
            let ranges: Vec<_> = starts.into_iter().map(|at| at..at + 1).collect();
            let map = SparseMap::new(SIZE, &ranges).unwrap();
            let mut bytes = map.encode_header();
            prop_assert_eq!(bytes.len() as u64, map.header_size());
            prop_assert_eq!(header_bytes(&bytes), Ok(map.header_size()));
            bytes.resize(bytes.len() + after, 7);
            prop_assert_eq!(SparseMap::decode_header(&bytes, SIZE), Ok(map));
        }

        #[test]
        fn one_flipped_bit_is_seen(bit in 0..4096_usize * 8) {
            let map = SparseMap::new(SIZE, std::slice::from_ref(&(LEAST_HOLE..LEAST_HOLE + 9))).unwrap();
            let mut bytes = map.encode_header();
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(SparseMap::decode_header(&bytes, SIZE).is_err());
        }

        #[test]
        fn any_bytes_are_read(count in 0..300_u32, ranges in prop::collection::vec(any::<(u64, u64)>(), 0..300), size in any::<u64>()) {
            let _ = SparseMap::decode_header(&forged(count, size, &ranges), size);
        }
    }
}
