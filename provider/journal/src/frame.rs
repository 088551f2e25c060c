//! Frames, of which the content of every form of the journal consists. Numbers
//! are little-endian.
//!
//! | Bytes | What |
//! | --- | --- |
//! | 4 | length of what follows the checksum |
//! | 4 | CRC-32 (ISO-HDLC) of the length and of what follows |
//! | 1 | kind |
//! | 8 | sequence number |
//! | … | body |

use std::io::{self, Read};

use bytes::Bytes;

use crate::queue::LONGEST_RECORD;

/// Most bytes of a group's description. Guards the memory of whoever opens the
/// journal.
pub const LONGEST_GROUP: usize = 64 << 10;

/// Length and checksum.
const PREFIX_BYTES: usize = 8;
/// Kind and sequence number.
const FIXED_BYTES: usize = 9;
/// What comes before a body.
pub(crate) const FRAME_BYTES: usize = PREFIX_BYTES + FIXED_BYTES;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An operation.
    Record,
    /// The group of the records up to the number is about to be applied; its
    /// description.
    Begin,
    /// The records up to the number are stored; no body.
    Stored,
    /// The head of a file or stream.
    Head,
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::Record => 1,
            Self::Begin => 2,
            Self::Stored => 3,
            Self::Head => 4,
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Record,
            2 => Self::Begin,
            3 => Self::Stored,
            4 => Self::Head,
            _ => return None,
        })
    }
}

/// One whole frame.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    pub(crate) seq: u64,
    pub(crate) body: Bytes,
}

/// Adds a frame to `out`. `add` adds its body, of `length` bytes and not more
/// than a record may have.
pub(crate) fn write(out: &mut Vec<u8>, kind: Kind, seq: u64, length: usize, add: impl FnOnce(&mut Vec<u8>)) {
    let from = out.len();
    out.reserve(FRAME_BYTES + length);
    let stated = u32::try_from(FIXED_BYTES + length).unwrap_or(u32::MAX).to_le_bytes();
    out.extend_from_slice(&stated);
    out.extend_from_slice(&[0; 4]);
    out.push(kind.byte());
    out.extend_from_slice(&seq.to_le_bytes());
    add(out);
    debug_assert_eq!(out.len(), from + FRAME_BYTES + length, "a frame's length");
    let checked = checksum(stated, out.get(from + PREFIX_BYTES..).unwrap_or_default());
    if let Some(place) = out.get_mut(from + 4..from + PREFIX_BYTES) {
        place.copy_from_slice(&checked.to_le_bytes());
    }
}

/// The kind, number and bytes of the frame that `bytes` begin with, which
/// [`write`] wrote.
pub(crate) fn peek(bytes: &[u8]) -> Option<(Kind, u64, usize)> {
    let (stated, rest) = bytes.split_first_chunk()?;
    let (_, rest) = rest.split_at_checked(4)?;
    let (kind, rest) = rest.split_first()?;
    let seq = rest.first_chunk()?;
    let length = PREFIX_BYTES + u32::from_le_bytes(*stated) as usize;
    Some((Kind::from_byte(*kind)?, u64::from_le_bytes(*seq), length))
}

fn checksum(stated: [u8; 4], content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&stated);
    hasher.update(content);
    hasher.finalize()
}

/// What is read next.
#[derive(Debug)]
pub(crate) enum Next {
    Frame(Frame),
    /// All was read.
    End,
    /// Not a frame, and why.
    Bad(&'static str),
}

/// Reads frames up to a length.
#[derive(Debug)]
pub(crate) struct FrameReader<R> {
    inner: R,
    offset: u64,
    end: u64,
}

impl<R: Read> FrameReader<R> {
    /// `inner` is at `offset` and is read until `end`, in bytes from the
    /// file's start.
    pub(crate) const fn new(inner: R, offset: u64, end: u64) -> Self {
        Self { inner, offset, end }
    }

    /// Where the next frame begins.
    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Not to be called again after [`Next::Bad`].
    pub(crate) fn next(&mut self) -> io::Result<Next> {
        let left = self.end.saturating_sub(self.offset);
        if left == 0 {
            return Ok(Next::End);
        }
        let mut stated = [0; 4];
        let mut checked = [0; 4];
        if left < FRAME_BYTES as u64 {
            return Ok(Next::Bad("it breaks off in mid record"));
        }
        self.inner.read_exact(&mut stated)?;
        self.inner.read_exact(&mut checked)?;
        let length = u32::from_le_bytes(stated) as usize;
        if !(FIXED_BYTES..=FIXED_BYTES + LONGEST_RECORD).contains(&length) {
            return Ok(Next::Bad("a length that no record has"));
        }
        if left < (PREFIX_BYTES + length) as u64 {
            return Ok(Next::Bad("it breaks off in mid record"));
        }
        let mut content = vec![0; length];
        self.inner.read_exact(&mut content)?;
        if checksum(stated, &content) != u32::from_le_bytes(checked) {
            return Ok(Next::Bad("a record's checksum differs"));
        }
        let content = Bytes::from(content);
        let Some((fixed, _)) = content.split_first_chunk::<FIXED_BYTES>() else {
            return Ok(Next::Bad("a length that no record has"));
        };
        let [kind, seq @ ..] = *fixed;
        let Some(kind) = Kind::from_byte(kind) else {
            return Ok(Next::Bad("a record of a kind that does not exist"));
        };
        self.offset += (PREFIX_BYTES + length) as u64;
        Ok(Next::Frame(Frame { kind, seq: u64::from_le_bytes(seq), body: content.slice(FIXED_BYTES..) }))
    }
}
