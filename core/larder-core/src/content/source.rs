//! Bytes to write that may lie outside of this program's memory.

use std::ops::Range;

/// The bytes of one write. Where they are in another memory (another WebAssembly
/// instance's), the store copies each of them once, straight to its place.
///
/// The store calls these methods with the file's lock held: they copy, and
/// never come back to the volume. Ranges are within `0..len()`.
#[allow(clippy::len_without_is_empty, reason = "the store asks for nothing else")]
pub trait Source {
    /// Bytes in all.
    fn len(&self) -> usize;

    /// Fills `out` with the bytes from `from` on.
    fn copy_to(&self, from: usize, out: &mut [u8]);

    /// Adds the bytes of `range` to `out`, which has room for them already.
    fn append_to(&self, range: Range<usize>, out: &mut Vec<u8>);
}

#[allow(clippy::indexing_slicing, reason = "the store stays within `0..len()`")]
impl Source for &[u8] {
    fn len(&self) -> usize {
        <[u8]>::len(self)
    }

    fn copy_to(&self, from: usize, out: &mut [u8]) {
        out.copy_from_slice(&self[from..from + out.len()]);
    }

    fn append_to(&self, range: Range<usize>, out: &mut Vec<u8>) {
        out.extend_from_slice(&self[range]);
    }
}
