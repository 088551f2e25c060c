//! `poll_oneoff`: waiting for clocks and standard input. Files are always
//! ready.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::context::{Fd, P1Context};
use super::errno::{Errno, P1Result};
use super::memory::Guest;
use super::{Call, finish, memory_of};

/// Subscriptions in one call, at most.
const MAX_SUBSCRIPTIONS: u32 = 1 << 14;

/// Bytes of a `subscription` and of an `event`.
const SUBSCRIPTION: u32 = 48;
const EVENT: u32 = 32;

/// A wait longer than this many seconds is as good as one without end; Tokio
/// refuses times too far away.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 86_400);

/// What an event tells, by the numbers of `eventtype`.
#[derive(Clone, Copy)]
enum Waits {
    Clock(Instant),
    Read(u32),
    Write(u32),
}

struct Subscription {
    userdata: u64,
    waits: Waits,
}

/// `poll_oneoff`.
pub(super) async fn poll_oneoff(
    mut caller: Call<'_>,
    subscriptions: u32,
    events: u32,
    count: u32,
    out: u32,
) -> wasmtime::Result<u32> {
    let memory = memory_of(&mut caller)?;
    let list = {
        let (bytes, host) = memory.data_and_store_mut(&mut caller);
        parse(&host.p1, &Guest::new(bytes), subscriptions, count)
    };
    let list = match list {
        Ok(list) => list,
        Err(failure) => return finish(Err(failure)),
    };
    wait(&mut caller.data_mut().p1, &list).await;
    let (bytes, host) = memory.data_and_store_mut(&mut caller);
    finish(answer(&host.p1, &mut Guest::new(bytes), &list, events, out))
}

fn parse(p1: &P1Context, guest: &Guest<'_>, list: u32, count: u32) -> P1Result<Vec<Subscription>> {
    if count == 0 || count > MAX_SUBSCRIPTIONS {
        return Err(Errno::Inval.into());
    }
    (0..count)
        .map(|index| {
            let at = |offset: u32| list.checked_add(index * SUBSCRIPTION + offset).ok_or(Errno::Overflow);
            let waits = match guest.u8(at(8)?)? {
                0 => {
                    let (clock, time) = (guest.u32(at(16)?)?, guest.u64(at(24)?)?);
                    let absolute = guest.u16(at(40)?)? & 1 != 0;
                    Waits::Clock(deadline(p1, clock, Duration::from_nanos(time), absolute)?)
                }
                1 => Waits::Read(guest.u32(at(16)?)?),
                2 => Waits::Write(guest.u32(at(16)?)?),
                _ => return Err(Errno::Inval.into()),
            };
            Ok(Subscription { userdata: guest.u64(at(0)?)?, waits })
        })
        .collect()
}

fn deadline(p1: &P1Context, clock: u32, time: Duration, absolute: bool) -> P1Result<Instant> {
    let passed = match (clock, absolute) {
        (0 | 1, false) => Duration::ZERO,
        (0, true) => SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default(),
        (1, true) => p1.started.elapsed(),
        _ => return Err(Errno::NotSup.into()),
    };
    Ok(Instant::now() + time.saturating_sub(passed).min(FOREVER))
}

fn is_ready(p1: &P1Context, waits: Waits) -> bool {
    match waits {
        Waits::Clock(deadline) => deadline <= Instant::now(),
        // An error is an answer, too.
        Waits::Read(fd) => !matches!(p1.get(fd), Ok(Fd::Input)) || p1.input.is_ready(),
        Waits::Write(_) => true,
    }
}

/// Waits until at least one subscription has an answer.
async fn wait(p1: &mut P1Context, list: &[Subscription]) {
    if list.iter().any(|subscription| is_ready(p1, subscription.waits)) {
        // A guest that only ever polls what is ready still lets others run.
        tokio::task::yield_now().await;
        return;
    }
    let deadlines = list.iter().filter_map(|subscription| match subscription.waits {
        Waits::Clock(deadline) => Some(deadline),
        Waits::Read(_) | Waits::Write(_) => None,
    });
    let deadline = deadlines.min().unwrap_or_else(|| Instant::now() + FOREVER);
    let reads = list.iter().any(|subscription| matches!(subscription.waits, Waits::Read(_)));
    if reads {
        // An error of the input is told by the read that follows.
        let _ = tokio::time::timeout_at(deadline, p1.input.ready()).await;
    } else {
        tokio::time::sleep_until(deadline).await;
    }
}

fn answer(p1: &P1Context, guest: &mut Guest<'_>, list: &[Subscription], events: u32, out: u32) -> P1Result<()> {
    let mut count = 0_u32;
    for subscription in list.iter().filter(|subscription| is_ready(p1, subscription.waits)) {
        let (kind, error, bytes, hangup) = match subscription.waits {
            Waits::Clock(_) => (0_u8, 0, 0, false),
            Waits::Read(fd) => {
                let (error, bytes, hangup) = readable(p1, fd);
                (1, error, bytes, hangup)
            }
            Waits::Write(fd) => (2, writable(p1, fd), 1, false),
        };
        let mut event = Vec::with_capacity(EVENT as usize);
        event.extend_from_slice(&subscription.userdata.to_le_bytes());
        event.extend_from_slice(&error.to_le_bytes());
        event.extend_from_slice(&[kind, 0, 0, 0, 0, 0]);
        event.extend_from_slice(&bytes.to_le_bytes());
        event.extend_from_slice(&[u8::from(hangup), 0, 0, 0, 0, 0, 0, 0]);
        guest.write(events.checked_add(count * EVENT).ok_or(Errno::Overflow)?, &event)?;
        count += 1;
    }
    guest.write_u32(out, count)
}

/// The error number, the bytes that can be read, and whether that is the end.
fn readable(p1: &P1Context, fd: u32) -> (u16, u64, bool) {
    match p1.get(fd) {
        Ok(Fd::Input) => {
            let bytes = p1.input.available() as u64;
            (0, bytes, bytes == 0)
        }
        Ok(Fd::File(file)) => {
            let size = file.descriptor.stat().map_or(0, |attributes| attributes.size);
            let bytes = size.saturating_sub(file.position);
            (0, bytes, bytes == 0)
        }
        Ok(Fd::Directory { .. } | Fd::Output(_)) | Err(_) => (Errno::Badf.code(), 0, false),
    }
}

fn writable(p1: &P1Context, fd: u32) -> u16 {
    match p1.get(fd) {
        Ok(Fd::File(_) | Fd::Output(_)) => 0,
        Ok(Fd::Directory { .. } | Fd::Input) | Err(_) => Errno::Badf.code(),
    }
}
