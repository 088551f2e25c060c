//! Arguments, environment, clocks, random numbers, and the end of the process.

use std::time::SystemTime;

use wasmtime_wasi::I32Exit;
use wasmtime_wasi::p2::bindings::random::random::Host as _;

use super::context::P1Context;
use super::errno::{Errno, Failure, P1Result};
use super::memory::{Guest, length};

/// Random bytes made at a time.
const RANDOM_BYTES: u32 = 64 << 10;

const REALTIME: u32 = 0;
const MONOTONIC: u32 = 1;

/// `args_sizes_get` and `environ_sizes_get`: how many, and the bytes of all
/// with their zero ends.
pub(super) fn sizes(guest: &mut Guest<'_>, list: &[String], count: u32, size: u32) -> P1Result<()> {
    let bytes: usize = list.iter().map(|text| text.len() + 1).sum();
    guest.write_u32(count, u32::try_from(list.len()).map_err(|_| Errno::Overflow)?)?;
    guest.write_u32(size, u32::try_from(bytes).map_err(|_| Errno::Overflow)?)
}

/// `args_get` and `environ_get`.
pub(super) fn strings(guest: &mut Guest<'_>, list: &[String], pointers: u32, buffer: u32) -> P1Result<()> {
    let (mut pointer_at, mut at) = (pointers, buffer);
    for text in list {
        guest.write_u32(pointer_at, at)?;
        guest.write(at, text.as_bytes())?;
        let end = at.checked_add(length(text.as_bytes())).ok_or(Errno::Overflow)?;
        guest.write(end, &[0])?;
        at = end.checked_add(1).ok_or(Errno::Overflow)?;
        pointer_at = pointer_at.checked_add(4).ok_or(Errno::Overflow)?;
    }
    Ok(())
}

/// `clock_res_get`: nanoseconds.
pub(super) fn clock_resolution(guest: &mut Guest<'_>, clock: u32, out: u32) -> P1Result<()> {
    match clock {
        REALTIME | MONOTONIC => guest.write_u64(out, 1),
        _ => Err(Errno::NotSup.into()),
    }
}

/// `clock_time_get`. The clocks of CPU time are not offered.
pub(super) fn clock_time(p1: &P1Context, guest: &mut Guest<'_>, clock: u32, out: u32) -> P1Result<()> {
    let time = match clock {
        REALTIME => SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default(),
        MONOTONIC => p1.started.elapsed(),
        _ => return Err(Errno::NotSup.into()),
    };
    guest.write_u64(out, u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}

/// `random_get`.
pub(super) fn random(p1: &mut P1Context, guest: &mut Guest<'_>, buffer: u32, length: u32) -> P1Result<()> {
    for piece in guest.slice_mut(buffer, length)?.chunks_mut(RANDOM_BYTES as usize) {
        let bytes = p1.wasi.random().get_random_bytes(piece.len() as u64).map_err(Failure::Trap)?;
        piece.copy_from_slice(&bytes);
    }
    Ok(())
}

/// `proc_exit`: an error that unwinds the guest. The system keeps the lowest 8
/// bits of the code, as for a native process.
pub(super) fn exit(code: u32) -> wasmtime::Error {
    let [low, ..] = code.to_le_bytes();
    I32Exit(i32::from(low)).into()
}
