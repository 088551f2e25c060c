//! Bytes as wRPC has them on the wire: their number in LEB128, then they. That
//! is what Protocol Buffers call length-delimited.

use bytes::{Buf, Bytes, BytesMut};
use prost::decode_length_delimiter;

/// Most bytes of an answer: 16 MiB. Guards the memory of the guest; the largest
/// one is a list of 1,024 entries with long names.
const MOST: usize = 16 << 20;

/// Most bytes of a number.
const LONGEST_NUMBER: usize = 10;

/// A result that comes piece by piece.
#[derive(Default)]
pub(super) struct Incoming {
    bytes: BytesMut,
    /// How many there will be, once that is known.
    length: Option<usize>,
}

/// What came is no result.
pub(super) struct Malformed;

impl Incoming {
    /// Takes a piece. The whole result once it is there.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<Option<Bytes>, Malformed> {
        self.bytes.extend_from_slice(piece);
        if self.length.is_none() {
            let mut rest = &*self.bytes;
            match decode_length_delimiter(&mut rest) {
                Ok(length) if length <= MOST => {
                    let taken = self.bytes.len() - rest.len();
                    self.bytes.advance(taken);
                    self.bytes.reserve(length.saturating_sub(self.bytes.len()));
                    self.length = Some(length);
                }
                // The number itself comes in pieces.
                Err(_) if self.bytes.len() < LONGEST_NUMBER => return Ok(None),
                Ok(_) | Err(_) => return Err(Malformed),
            }
        }
        match self.length {
            Some(length) if length < self.bytes.len() => Err(Malformed),
            Some(length) if length == self.bytes.len() => Ok(Some(std::mem::take(&mut self.bytes).freeze())),
            _ => Ok(None),
        }
    }
}
