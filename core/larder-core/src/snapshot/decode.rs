//! Takes record payloads apart. Nothing here allocates by a length field:
//! what is handed out borrows from the payload that was read.

use super::layout::{COUNTER_BOUND, MAX_MODE, file_type_from_byte};
use crate::{FileType, NodeId, Timestamp};

/// What is wrong with a payload.
pub(super) type Malformed = &'static str;

/// A position in a payload.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

/// What every node has, whatever its kind.
pub(super) struct NodeFields {
    pub(super) id: NodeId,
    pub(super) link_count: u64,
    pub(super) version: u64,
    pub(super) accessed: Timestamp,
    pub(super) modified: Timestamp,
    pub(super) changed: Timestamp,
    pub(super) mode: u32,
}

/// One directory entry, its name still in the payload.
pub(super) struct EntryFields<'a> {
    pub(super) cookie: u64,
    pub(super) id: NodeId,
    pub(super) file_type: FileType,
    pub(super) name: &'a str,
}

impl<'a> Fields<'a> {
    pub(super) const fn new(payload: &'a [u8]) -> Self {
        Self { rest: payload }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Everything that is left.
    pub(super) const fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// Fails when something is left: a field that this build does not know
    /// would otherwise be lost in silence.
    pub(super) const fn end(self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err("the record is longer than its fields") }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or("the record ends within a field")?;
        self.rest = rest;
        Ok(*bytes)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(u8::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_le_bytes)
    }

    fn time(&mut self) -> Result<Timestamp, Malformed> {
        let time = Timestamp { seconds: self.array().map(i64::from_le_bytes)?, nanoseconds: self.u32()? };
        if time.is_valid() { Ok(time) } else { Err("a time has a second or more of nanoseconds") }
    }

    /// A number that the store counts up: inode numbers, versions, cookies.
    /// A writer never comes near the bound; above it, counting on could
    /// overflow.
    pub(super) fn counter(&mut self) -> Result<u64, Malformed> {
        let value = self.u64()?;
        if value < COUNTER_BOUND { Ok(value) } else { Err("a number is out of range") }
    }

    pub(super) fn node_id(&mut self) -> Result<NodeId, Malformed> {
        Ok(NodeId { ino: self.counter()?, generation: self.u64()? })
    }

    pub(super) fn string(&mut self) -> Result<&'a str, Malformed> {
        let length = self.u32()?;
        let (text, rest) = usize::try_from(length)
            .ok()
            .and_then(|length| self.rest.split_at_checked(length))
            .ok_or("a string is longer than its record")?;
        self.rest = rest;
        std::str::from_utf8(text).map_err(|_| "a string is not valid UTF-8")
    }

    fn mode(&mut self) -> Result<u32, Malformed> {
        let mode = self.u32()?;
        if mode <= MAX_MODE { Ok(mode) } else { Err("a mode has more than permission bits") }
    }

    pub(super) fn node(&mut self) -> Result<NodeFields, Malformed> {
        Ok(NodeFields {
            id: self.node_id()?,
            link_count: self.counter()?,
            version: self.counter()?,
            accessed: self.time()?,
            modified: self.time()?,
            changed: self.time()?,
            mode: self.mode()?,
        })
    }

    pub(super) fn entry(&mut self) -> Result<EntryFields<'a>, Malformed> {
        Ok(EntryFields {
            cookie: self.counter()?,
            id: self.node_id()?,
            file_type: file_type_from_byte(self.u8()?).ok_or("an entry is of an unknown type")?,
            name: self.string()?,
        })
    }
}
