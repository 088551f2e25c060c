//! Numbers and strings at places of an image that may be damaged.

use std::ops::Range;

use crate::ImageError;

/// Bytes `start..start + length`, if they are there.
pub(crate) fn range(bytes: &[u8], start: u64, length: u64) -> Option<Range<usize>> {
    let start = usize::try_from(start).ok()?;
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    (end <= bytes.len()).then_some(start..end)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// A number in a record; 0 where the record is too short, which its length in
/// the layout rules out.
pub(crate) fn u16_at(record: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(record, at).unwrap_or_default())
}

pub(crate) fn u32_at(record: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(record, at).unwrap_or_default())
}

pub(crate) fn u64_at(record: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(record, at).unwrap_or_default())
}

pub(crate) fn i64_at(record: &[u8], at: usize) -> i64 {
    i64::from_le_bytes(array(record, at).unwrap_or_default())
}

/// Reads values one behind another.
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

const CUT: ImageError = ImageError::Damaged("the options end too early");

impl<'a> Cursor<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], ImageError> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(CUT)?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, ImageError> {
        self.take().map(u8::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, ImageError> {
        self.take().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, ImageError> {
        self.take().map(u64::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, ImageError> {
        self.take().map(i64::from_le_bytes)
    }

    pub(crate) fn string(&mut self) -> Result<String, ImageError> {
        let length = self.u32()? as usize;
        let (head, rest) = self.rest.split_at_checked(length).ok_or(CUT)?;
        self.rest = rest;
        let text = std::str::from_utf8(head).map_err(|_| ImageError::Damaged("a string that is no UTF-8"))?;
        Ok(text.to_owned())
    }

    /// A count, and so many values. Each value takes bytes, so no count makes
    /// this hold more than the image's length.
    pub(crate) fn list<T>(&mut self, read: impl Fn(&mut Self) -> Result<T, ImageError>) -> Result<Vec<T>, ImageError> {
        let count = self.u32()?;
        let mut values = Vec::new();
        for _ in 0..count {
            values.push(read(self)?);
        }
        Ok(values)
    }
}
