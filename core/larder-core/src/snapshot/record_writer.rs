//! Frames and checksums on the way out.

use std::io::Write;

use crc32fast::Hasher;

use super::SnapshotError;
use super::layout::{FRAME_BYTES, MAGIC, MAX_PAYLOAD, VERSION};
use crate::{Error, ErrorCode};

/// Writes the header and records, and keeps the checksum of their checksums.
pub(super) struct RecordWriter<'a> {
    out: &'a mut dyn Write,
    record: Hasher,
    stream: Hasher,
    /// Payload bytes of the current record that are still to come.
    missing: usize,
    bytes: u64,
    records: u64,
}

impl<'a> RecordWriter<'a> {
    /// Writes the stream header.
    pub(super) fn start(out: &'a mut dyn Write) -> Result<Self, SnapshotError> {
        let mut writer = Self { out, record: Hasher::new(), stream: Hasher::new(), missing: 0, bytes: 0, records: 0 };
        writer.put(&MAGIC)?;
        writer.put(&VERSION.to_le_bytes())?;
        writer.put(&[0; 12])?; // features, reserved
        writer.put_checksum()?;
        Ok(writer)
    }

    /// Bytes written.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Records written, the current one included.
    pub(super) const fn records(&self) -> u64 {
        self.records
    }

    /// The checksum of all checksums written so far.
    ///
    /// Not of all bytes: a CRC over data that have their own CRC behind them
    /// does not depend on the data.
    pub(super) fn stream_checksum(&self) -> u32 {
        self.stream.clone().finalize()
    }

    /// Writes a record.
    pub(super) fn record(&mut self, kind: u8, payload: &[u8]) -> Result<(), SnapshotError> {
        self.begin(kind, payload.len())?;
        self.part(payload)
    }

    /// Begins a record of `length` payload bytes, which follow as parts.
    pub(super) fn begin(&mut self, kind: u8, length: usize) -> Result<(), SnapshotError> {
        let field = u32::try_from(length)
            .ok()
            .filter(|_| length <= MAX_PAYLOAD)
            .ok_or_else(|| SnapshotError::Limit(Error::new(ErrorCode::NameTooLong, "save")))?;
        debug_assert!(self.missing == 0 && length > 0, "a record is complete and not empty");
        self.record = Hasher::new();
        self.records += 1;
        self.missing = length;
        let [a, b, c, d] = field.to_le_bytes();
        let frame: [u8; FRAME_BYTES] = [kind, 0, 0, 0, a, b, c, d];
        self.put(&frame)
    }

    /// Writes a part of the payload; the last one also the checksum.
    pub(super) fn part(&mut self, part: &[u8]) -> Result<(), SnapshotError> {
        debug_assert!(part.len() <= self.missing, "more payload than announced");
        self.put(part)?;
        self.missing = self.missing.saturating_sub(part.len());
        if self.missing == 0 { self.put_checksum() } else { Ok(()) }
    }

    pub(super) fn flush(&mut self) -> Result<(), SnapshotError> {
        Ok(self.out.flush()?)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.out.write_all(bytes)?;
        self.record.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn put_checksum(&mut self) -> Result<(), SnapshotError> {
        let checksum = self.record.clone().finalize().to_le_bytes();
        self.stream.update(&checksum);
        self.put(&checksum)
    }
}
