//! Shared bytes handed to readers: a short list of pieces.

use bytes::{Buf, Bytes, BytesMut};
use smallvec::SmallVec;

use super::ZEROS;

/// The bytes of one read, in order, shared with the store: holding them keeps
/// that version alive, whatever is written meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Chunks {
    pieces: SmallVec<[Bytes; 2]>,
    len: usize,
}

/// Pieces that come from elsewhere than a volume; empty ones are left out.
impl FromIterator<Bytes> for Chunks {
    fn from_iter<I: IntoIterator<Item = Bytes>>(pieces: I) -> Self {
        let mut chunks = Self::default();
        pieces.into_iter().filter(|piece| !piece.is_empty()).for_each(|piece| chunks.push(piece));
        chunks
    }
}

impl Chunks {
    pub(super) fn push(&mut self, piece: Bytes) {
        self.len += piece.len();
        self.pieces.push(piece);
    }

    pub(super) fn push_zeros(&mut self, len: usize) {
        if len > 0 {
            self.push(Bytes::from_static(&ZEROS).slice(..len));
        }
    }

    /// Bytes in all pieces together.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none: the read began at or behind the end of file.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The pieces in order, none of them empty.
    pub fn iter(&self) -> std::slice::Iter<'_, Bytes> {
        self.pieces.iter()
    }

    /// One contiguous piece; copies only where there are several.
    #[must_use]
    pub fn into_bytes(mut self) -> Bytes {
        if self.pieces.len() <= 1 {
            return self.pieces.pop().unwrap_or_default();
        }
        let mut all = BytesMut::with_capacity(self.len);
        for piece in &self.pieces {
            all.extend_from_slice(piece);
        }
        all.freeze()
    }

    /// Copies the bytes to the head of `out`; returns how many fitted.
    pub fn copy_to_slice(&self, out: &mut [u8]) -> usize {
        let mut rest = out;
        let mut done = 0;
        for piece in &self.pieces {
            let take = piece.len().min(rest.len());
            let (head, tail) = rest.split_at_mut(take);
            piece.slice(..take).copy_to_slice(head);
            rest = tail;
            done += take;
        }
        done
    }
}

impl<'a> IntoIterator for &'a Chunks {
    type Item = &'a Bytes;
    type IntoIter = std::slice::Iter<'a, Bytes>;
    fn into_iter(self) -> Self::IntoIter {
        self.pieces.iter()
    }
}

impl IntoIterator for Chunks {
    type Item = Bytes;
    type IntoIter = smallvec::IntoIter<[Bytes; 2]>;
    fn into_iter(self) -> Self::IntoIter {
        self.pieces.into_iter()
    }
}
