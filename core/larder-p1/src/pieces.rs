//! The parts of a scattered read or write.

use crate::memory::{Memory, Values as _};
use crate::{Errno, OutOfBounds, P1Result};

/// Pieces of one scattered read or write, at most (`IOV_MAX`). Guards the
/// memory that holds the list.
const MAX_PIECES: u32 = 1024;

/// Lists of this many pieces take no allocation.
const FEW: usize = 8;

/// Bytes of an `iovec`.
const IOVEC: usize = 8;

/// A part of the memory that was named by an `iovec`; it was checked.
#[derive(Clone, Copy, Default)]
pub(crate) struct Piece {
    /// Where it begins.
    pub(crate) address: u32,
    /// Its bytes.
    pub(crate) length: u32,
}

/// A list of `iovec`s or `ciovec`s.
pub(crate) struct Pieces {
    few: [Piece; FEW],
    many: Vec<Piece>,
    count: usize,
}

impl Pieces {
    /// Reads a list. An empty one is fine, as is an empty part.
    pub(crate) fn read(memory: &impl Memory, list: u32, count: u32) -> P1Result<Self> {
        if count > MAX_PIECES {
            return Err(Errno::Inval.into());
        }
        let mut pieces = Self { few: [Piece::default(); FEW], many: Vec::new(), count: count as usize };
        let mut next = pieces.few.iter_mut();
        for index in 0..count {
            let outside = OutOfBounds { address: list, length: IOVEC };
            let [a0, a1, a2, a3, l0, l1, l2, l3] =
                memory.array::<IOVEC>(list.checked_add(index * 8).ok_or(outside)?)?;
            let piece =
                Piece { address: u32::from_le_bytes([a0, a1, a2, a3]), length: u32::from_le_bytes([l0, l1, l2, l3]) };
            memory.check(piece.address, piece.length)?;
            if pieces.count > FEW {
                pieces.many.push(piece);
            } else if let Some(place) = next.next() {
                *place = piece;
            }
        }
        Ok(pieces)
    }

    /// The parts, in order.
    pub(crate) fn as_slice(&self) -> &[Piece] {
        if self.count > FEW { &self.many } else { self.few.get(..self.count).unwrap_or_default() }
    }
}
