//! Frames and checksums on the way in. Memory grows only with what was read.

use std::io::{self, Read};

use crc32fast::Hasher;

use super::SnapshotError;
use super::layout::{CHECKSUM_BYTES, FRAME_BYTES, HEADER_BYTES, KNOWN_FEATURES, MAGIC, MAX_PAYLOAD, VERSION};

/// A record whose checksum is right.
pub(super) struct Record<'a> {
    pub(super) kind: u8,
    /// Where it starts, in bytes from the start of the stream.
    pub(super) offset: u64,
    pub(super) payload: &'a [u8],
    /// The checksum of all checksums in the stream before this record's.
    pub(super) before: u32,
}

/// Reads the header and records of a stream, and never past a record's end.
pub(super) struct RecordReader<'a> {
    input: &'a mut dyn Read,
    stream: Hasher,
    buffer: Vec<u8>,
    offset: u64,
    records: u64,
}

impl<'a> RecordReader<'a> {
    /// Reads and checks the stream header.
    pub(super) fn start(input: &'a mut dyn Read) -> Result<Self, SnapshotError> {
        let mut reader = Self { input, stream: Hasher::new(), buffer: Vec::new(), offset: 0, records: 0 };
        let mut header = [0; HEADER_BYTES];
        let found = read_full(reader.input, &mut header)?;
        let magic = MAGIC.len().min(found);
        if header.get(..magic) != MAGIC.get(..magic) {
            return Err(SnapshotError::NotASnapshot);
        }
        if found < HEADER_BYTES {
            return Err(SnapshotError::corrupt(found as u64, "it ends within its header"));
        }
        reader.offset = HEADER_BYTES as u64;
        check_header(&header)?;
        reader.stream.update(header.last_chunk::<CHECKSUM_BYTES>().unwrap_or(&[0; CHECKSUM_BYTES]));
        Ok(reader)
    }

    /// Bytes read.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Records read.
    pub(super) const fn records(&self) -> u64 {
        self.records
    }

    /// Reads the next record. There always is one: the caller stops at the
    /// end record.
    pub(super) fn next(&mut self) -> Result<Record<'_>, SnapshotError> {
        let start = self.offset;
        let before = self.stream.clone().finalize();

        let mut frame = [0; FRAME_BYTES];
        self.fill(&mut frame, "it ends where a record should begin; the file is cut short")?;
        let [kind, z0, z1, z2, a, b, c, d] = frame;
        let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if (z0, z1, z2) != (0, 0, 0) || length > MAX_PAYLOAD {
            return Err(SnapshotError::corrupt(start, "no record begins here"));
        }

        // `read_to_end` grows the buffer as bytes arrive, whatever `length` says.
        self.buffer.clear();
        let read = (&mut *self.input).take(length as u64).read_to_end(&mut self.buffer)?;
        self.offset += read as u64;
        if read < length {
            return Err(SnapshotError::corrupt(self.offset, "it ends within a record; the file is cut short"));
        }
        let mut checksum = [0; CHECKSUM_BYTES];
        self.fill(&mut checksum, "it ends within a record; the file is cut short")?;

        let mut record = Hasher::new();
        record.update(&frame);
        record.update(&self.buffer);
        if record.finalize() != u32::from_le_bytes(checksum) {
            return Err(SnapshotError::corrupt(start, "the checksum of the record is wrong"));
        }
        self.stream.update(&checksum);
        self.records += 1;
        Ok(Record { kind, offset: start, payload: &self.buffer, before })
    }

    /// Bytes held for the current record.
    #[cfg(test)]
    pub(super) const fn memory(&self) -> usize {
        self.buffer.capacity()
    }

    fn fill(&mut self, buffer: &mut [u8], what: &'static str) -> Result<(), SnapshotError> {
        let read = read_full(self.input, buffer)?;
        self.offset += read as u64;
        if read < buffer.len() {
            return Err(SnapshotError::corrupt(self.offset, what));
        }
        Ok(())
    }
}

/// Checks the header after its magic. The checksum comes first, so that a
/// damaged version is not mistaken for a new one.
fn check_header(header: &[u8; HEADER_BYTES]) -> Result<(), SnapshotError> {
    let word = |at: usize| header.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes));
    let checked = header.get(..HEADER_BYTES - CHECKSUM_BYTES).unwrap_or_default();
    if crc32fast::hash(checked) != word(28) {
        return Err(SnapshotError::corrupt(0, "the checksum of the header is wrong"));
    }
    let found = word(12);
    if found == 0 {
        return Err(SnapshotError::corrupt(12, "there is no version 0"));
    }
    if found > VERSION {
        return Err(SnapshotError::UnsupportedVersion { found, supported: VERSION });
    }
    let unknown = word(16) & !KNOWN_FEATURES;
    if unknown != 0 {
        return Err(SnapshotError::UnsupportedFeatures { unknown });
    }
    Ok(())
}

/// Reads until the buffer is full or the stream ends; says how much it read.
fn read_full(input: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
