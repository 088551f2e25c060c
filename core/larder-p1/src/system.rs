//! Arguments, environment, clocks and random numbers.

use crate::memory::{Memory, Values as _};
use crate::numbers::{length, nanoseconds};
use crate::{Errno, Host, P1Result, Process};

/// Random bytes made at a time.
const RANDOM_BYTES: usize = 4 << 10;

const REALTIME: u32 = 0;
const MONOTONIC: u32 = 1;

impl<H: Host> Process<H> {
    /// `args_sizes_get`.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn args_sizes_get(&self, memory: &mut impl Memory, count: u32, size: u32) -> P1Result<()> {
        sizes(memory, &self.arguments, count, size)
    }

    /// `args_get`.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn args_get(&self, memory: &mut impl Memory, pointers: u32, buffer: u32) -> P1Result<()> {
        strings(memory, &self.arguments, pointers, buffer)
    }

    /// `environ_sizes_get`.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn environ_sizes_get(&self, memory: &mut impl Memory, count: u32, size: u32) -> P1Result<()> {
        sizes(memory, &self.environment, count, size)
    }

    /// `environ_get`.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn environ_get(&self, memory: &mut impl Memory, pointers: u32, buffer: u32) -> P1Result<()> {
        strings(memory, &self.environment, pointers, buffer)
    }

    /// `clock_res_get`: nanoseconds.
    ///
    /// # Errors
    /// `NotSup` for the clocks of CPU time.
    pub fn clock_res_get(&self, memory: &mut impl Memory, clock: u32, out: u32) -> P1Result<()> {
        match clock {
            REALTIME | MONOTONIC => memory.write_u64(out, 1),
            _ => Err(Errno::NotSup.into()),
        }
    }

    /// `clock_time_get`: nanoseconds.
    ///
    /// # Errors
    /// `NotSup` for the clocks of CPU time.
    pub fn clock_time_get(&self, memory: &mut impl Memory, clock: u32, out: u32) -> P1Result<()> {
        let time = match clock {
            REALTIME => nanoseconds(self.host.wall_clock()),
            MONOTONIC => self.host.monotonic(),
            _ => return Err(Errno::NotSup.into()),
        };
        memory.write_u64(out, time)
    }

    /// `random_get`.
    ///
    /// # Errors
    /// Those of the host.
    pub fn random_get(&mut self, memory: &mut impl Memory, buffer: u32, length: u32) -> P1Result<()> {
        memory.check(buffer, length)?;
        let mut bytes = [0; RANDOM_BYTES];
        let mut done = 0;
        while done < length {
            let next = ((length - done) as usize).min(RANDOM_BYTES);
            let part = bytes.get_mut(..next).unwrap_or_default();
            self.host.random(part)?;
            memory.write(buffer.wrapping_add(done), part)?;
            done = done.saturating_add(self::length(part));
        }
        Ok(())
    }
}

/// How many, and the bytes of all with their zero ends.
fn sizes(memory: &mut impl Memory, list: &[String], count: u32, size: u32) -> P1Result<()> {
    let bytes: usize = list.iter().map(|text| text.len() + 1).sum();
    memory.write_u32(count, u32::try_from(list.len()).map_err(|_| Errno::Overflow)?)?;
    memory.write_u32(size, u32::try_from(bytes).map_err(|_| Errno::Overflow)?)
}

fn strings(memory: &mut impl Memory, list: &[String], pointers: u32, buffer: u32) -> P1Result<()> {
    let (mut pointer_at, mut at) = (pointers, buffer);
    for text in list {
        memory.write_u32(pointer_at, at)?;
        memory.write(at, text.as_bytes())?;
        let end = at.checked_add(length(text.as_bytes())).ok_or(Errno::Overflow)?;
        memory.write(end, &[0])?;
        at = end.checked_add(1).ok_or(Errno::Overflow)?;
        pointer_at = pointer_at.checked_add(4).ok_or(Errno::Overflow)?;
    }
    Ok(())
}
