//! The memory of a module, as the structures of WASI 0.1 are laid out in it.

use super::errno::{Errno, Failure, P1Result};

/// Pieces of one scattered read or write, at most (`IOV_MAX`).
const MAX_PIECES: u32 = 1024;

/// Longest path that is looked at, in bytes; a volume's own limit is lower.
const MAX_PATH: u32 = 1 << 16;

/// A module's linear memory for the time of one call.
pub(super) struct Guest<'a> {
    bytes: &'a mut [u8],
}

/// A part of the memory that was named by an `iovec`.
#[derive(Clone, Copy)]
pub(super) struct Piece {
    /// Where it begins.
    pub(super) address: u32,
    /// Its bytes.
    pub(super) length: u32,
}

/// A pointer outside of the memory traps, as the interface's documents ask.
fn outside(address: u32, length: usize) -> Failure {
    Failure::Trap(wasmtime::format_err!("a pointer is out of bounds: {length} bytes at {address:#x}"))
}

impl<'a> Guest<'a> {
    /// All of the memory.
    pub(super) fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes }
    }

    fn array<const N: usize>(&self, address: u32) -> P1Result<[u8; N]> {
        let bytes = self.bytes.get(address as usize..).and_then(<[u8]>::first_chunk);
        bytes.copied().ok_or_else(|| outside(address, N))
    }

    /// A little-endian number.
    pub(super) fn u8(&self, address: u32) -> P1Result<u8> {
        self.array(address).map(u8::from_le_bytes)
    }

    /// A little-endian number.
    pub(super) fn u16(&self, address: u32) -> P1Result<u16> {
        self.array(address).map(u16::from_le_bytes)
    }

    /// A little-endian number.
    pub(super) fn u32(&self, address: u32) -> P1Result<u32> {
        self.array(address).map(u32::from_le_bytes)
    }

    /// A little-endian number.
    pub(super) fn u64(&self, address: u32) -> P1Result<u64> {
        self.array(address).map(u64::from_le_bytes)
    }

    /// Bytes to read.
    pub(super) fn slice(&self, address: u32, length: u32) -> P1Result<&[u8]> {
        let start = address as usize;
        let bytes = start.checked_add(length as usize).and_then(|end| self.bytes.get(start..end));
        bytes.ok_or_else(|| outside(address, length as usize))
    }

    /// Bytes to fill.
    pub(super) fn slice_mut(&mut self, address: u32, length: u32) -> P1Result<&mut [u8]> {
        let start = address as usize;
        let bytes = start.checked_add(length as usize).and_then(|end| self.bytes.get_mut(start..end));
        bytes.ok_or_else(|| outside(address, length as usize))
    }

    /// Stores bytes.
    pub(super) fn write(&mut self, address: u32, bytes: &[u8]) -> P1Result<()> {
        self.slice_mut(address, length(bytes))?.copy_from_slice(bytes);
        Ok(())
    }

    /// Stores a number.
    pub(super) fn write_u32(&mut self, address: u32, value: u32) -> P1Result<()> {
        self.write(address, &value.to_le_bytes())
    }

    /// Stores a number.
    pub(super) fn write_u64(&mut self, address: u32, value: u64) -> P1Result<()> {
        self.write(address, &value.to_le_bytes())
    }

    /// A path. It is copied, since the call may write to the memory.
    pub(super) fn path(&self, address: u32, length: u32) -> P1Result<String> {
        if length > MAX_PATH {
            return Err(Errno::NameTooLong.into());
        }
        let text = std::str::from_utf8(self.slice(address, length)?).map_err(|_| Errno::Ilseq)?;
        Ok(text.to_owned())
    }

    /// The parts that a list of `iovec`s or `ciovec`s names. An empty list is
    /// fine, as is an empty part.
    pub(super) fn pieces(&self, list: u32, count: u32) -> P1Result<Vec<Piece>> {
        if count > MAX_PIECES {
            return Err(Errno::Inval.into());
        }
        (0..count)
            .map(|index| {
                let at = list.checked_add(index * 8).ok_or_else(|| outside(list, 8))?;
                let length_at = at.checked_add(4).ok_or_else(|| outside(at, 8))?;
                let piece = Piece { address: self.u32(at)?, length: self.u32(length_at)? };
                self.slice(piece.address, piece.length)?;
                Ok(piece)
            })
            .collect()
    }
}

/// The length of something that is, or fits, in a 32-bit memory.
pub(super) fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}
