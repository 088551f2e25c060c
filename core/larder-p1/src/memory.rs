//! The memory of a module.

use core::ops::Range;

use larder_core::Source;

use crate::numbers::length;
use crate::{Errno, OutOfBounds, P1Result};

/// Longest path that is looked at: 64 KiB. Guards the memory that holds it; a
/// volume's own limit is lower.
const MAX_PATH: u32 = 1 << 16;

/// Bytes that [`Memory::visit`] hands out at a time where they have to be
/// copied.
const VISITED: u32 = 64 << 10;

/// A module's linear memory for the time of one call.
///
/// Each byte is copied once, between the module's memory and where it is kept
/// or goes to.
pub trait Memory {
    /// Checks that the range is in the memory.
    ///
    /// # Errors
    /// That it is not.
    fn check(&self, address: u32, length: u32) -> Result<(), OutOfBounds>;

    /// Fills `out` with the bytes from `address` on.
    ///
    /// # Errors
    /// When they are not all in the memory.
    fn read(&self, address: u32, out: &mut [u8]) -> Result<(), OutOfBounds>;

    /// Adds bytes to `out`, which has room for them already.
    ///
    /// # Errors
    /// When they are not all in the memory; then nothing was added.
    fn append_to(&self, address: u32, length: u32, out: &mut Vec<u8>) -> Result<(), OutOfBounds>;

    /// Stores bytes.
    ///
    /// # Errors
    /// When they do not all fit into the memory.
    fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), OutOfBounds>;

    /// Hands out the bytes in order, in one or more parts, until one of the
    /// calls fails.
    ///
    /// # Errors
    /// When they are not all in the memory, and what `visitor` fails with.
    fn visit(&self, address: u32, length: u32, visitor: &mut dyn FnMut(&[u8]) -> P1Result<()>) -> P1Result<()> {
        self.check(address, length)?;
        let mut part = Vec::with_capacity(length.min(VISITED) as usize);
        let mut done = 0;
        while done < length {
            let next = (length - done).min(VISITED);
            part.clear();
            self.append_to(address.wrapping_add(done), next, &mut part)?;
            visitor(&part)?;
            done += next;
        }
        Ok(())
    }
}

impl Memory for &mut [u8] {
    fn check(&self, address: u32, length: u32) -> Result<(), OutOfBounds> {
        slice(self, address, length as usize).map(drop)
    }

    fn read(&self, address: u32, out: &mut [u8]) -> Result<(), OutOfBounds> {
        out.copy_from_slice(slice(self, address, out.len())?);
        Ok(())
    }

    fn append_to(&self, address: u32, length: u32, out: &mut Vec<u8>) -> Result<(), OutOfBounds> {
        out.extend_from_slice(slice(self, address, length as usize)?);
        Ok(())
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), OutOfBounds> {
        let outside = OutOfBounds { address, length: bytes.len() };
        let start = address as usize;
        let range = start.checked_add(bytes.len()).and_then(|end| self.get_mut(start..end));
        range.ok_or(outside)?.copy_from_slice(bytes);
        Ok(())
    }

    fn visit(&self, address: u32, length: u32, visitor: &mut dyn FnMut(&[u8]) -> P1Result<()>) -> P1Result<()> {
        visitor(slice(self, address, length as usize)?)
    }
}

fn slice(memory: &[u8], address: u32, length: usize) -> Result<&[u8], OutOfBounds> {
    let start = address as usize;
    let range = start.checked_add(length).and_then(|end| memory.get(start..end));
    range.ok_or(OutOfBounds { address, length })
}

/// The interface's values in a memory. All numbers are little endian.
pub(crate) trait Values: Memory {
    fn array<const N: usize>(&self, address: u32) -> P1Result<[u8; N]> {
        let mut bytes = [0; N];
        self.read(address, &mut bytes)?;
        Ok(bytes)
    }

    fn write_u32(&mut self, address: u32, value: u32) -> P1Result<()> {
        Ok(self.write(address, &value.to_le_bytes())?)
    }

    fn write_u64(&mut self, address: u32, value: u64) -> P1Result<()> {
        Ok(self.write(address, &value.to_le_bytes())?)
    }

    fn path(&self, address: u32, length: u32) -> P1Result<String> {
        if length > MAX_PATH {
            return Err(Errno::NameTooLong.into());
        }
        let mut bytes = Vec::with_capacity(length as usize);
        self.append_to(address, length, &mut bytes)?;
        Ok(String::from_utf8(bytes).map_err(|_| Errno::Ilseq)?)
    }
}

impl<M: Memory + ?Sized> Values for M {}

/// A range of a memory that was checked, as the bytes of a write.
pub(crate) struct Range32<'a, M> {
    pub(crate) memory: &'a M,
    pub(crate) address: u32,
    pub(crate) length: u32,
}

// A range that was checked stays in the memory, which never shrinks: the
// results of the copies are `Ok`.
impl<M: Memory> Source for Range32<'_, M> {
    fn len(&self) -> usize {
        self.length as usize
    }

    fn copy_to(&self, from: usize, out: &mut [u8]) {
        let _ = self.memory.read(self.address.wrapping_add(offset(from)), out);
    }

    fn append_to(&self, range: Range<usize>, out: &mut Vec<u8>) {
        let at = self.address.wrapping_add(offset(range.start));
        let _ = self.memory.append_to(at, offset(range.end - range.start), out);
    }
}

/// An offset within a 32-bit range.
fn offset(within: usize) -> u32 {
    u32::try_from(within).unwrap_or(u32::MAX)
}

/// Stores what is longer than one number, piece after piece.
pub(crate) struct Cursor<'a, M> {
    pub(crate) memory: &'a mut M,
    pub(crate) at: u32,
}

impl<M: Memory> Cursor<'_, M> {
    /// Stores bytes behind those before.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> P1Result<()> {
        self.memory.write(self.at, bytes)?;
        self.at = self.at.wrapping_add(length(bytes));
        Ok(())
    }
}
