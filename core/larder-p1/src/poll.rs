//! `poll_oneoff`: waiting for clocks and standard input. Files are always
//! ready.
//!
//! Waiting itself is the form's: it reads the subscriptions with
//! [`Process::subscriptions`], waits for what [`Poll`] names, and gives the
//! answers with [`Process::poll_oneoff`].

use crate::memory::{Memory, Values as _};
use crate::numbers::nanoseconds;
use crate::process::Fd;
use crate::{Errno, Host, P1Result, Process};

/// Subscriptions in one call, at most. Guards the memory that holds them.
const MAX_SUBSCRIPTIONS: u32 = 1 << 14;

/// Bytes of a `subscription` and of an `event`.
const SUBSCRIPTION: u32 = 48;
const EVENT: u32 = 32;

/// What an event tells, by the numbers of `eventtype`.
#[derive(Clone, Copy)]
enum Waits {
    /// Until the monotonic clock shows this.
    Clock(u64),
    Read(u32),
    Write(u32),
}

struct Subscription {
    userdata: u64,
    waits: Waits,
}

/// The subscriptions of one call.
pub struct Poll(Vec<Subscription>);

impl Poll {
    /// When the earliest of its clocks is due, on the host's monotonic clock.
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        let deadlines = self.0.iter().filter_map(|subscription| match subscription.waits {
            Waits::Clock(deadline) => Some(deadline),
            Waits::Read(_) | Waits::Write(_) => None,
        });
        deadlines.min()
    }

    /// Whether standard input's readiness ends the wait, where the poll is not
    /// ready otherwise.
    #[must_use]
    pub fn waits_for_input(&self) -> bool {
        self.0.iter().any(|subscription| matches!(subscription.waits, Waits::Read(_)))
    }
}

impl<H: Host> Process<H> {
    /// Reads the subscriptions of a `poll_oneoff`.
    ///
    /// # Errors
    /// `Inval`, `NotSup`.
    pub fn subscriptions(&self, memory: &impl Memory, list: u32, count: u32) -> P1Result<Poll> {
        if count == 0 || count > MAX_SUBSCRIPTIONS {
            return Err(Errno::Inval.into());
        }
        let subscriptions = (0..count).map(|index| {
            let at = |offset: u32| list.checked_add(index * SUBSCRIPTION + offset).ok_or(Errno::Overflow);
            let u32_at = |offset| -> P1Result<u32> { Ok(u32::from_le_bytes(memory.array(at(offset)?)?)) };
            let u64_at = |offset| -> P1Result<u64> { Ok(u64::from_le_bytes(memory.array(at(offset)?)?)) };
            let [tag] = memory.array(at(8)?)?;
            let waits = match tag {
                0 => {
                    let [flags, _] = memory.array(at(40)?)?;
                    Waits::Clock(self.due(u32_at(16)?, u64_at(24)?, flags & 1 != 0)?)
                }
                1 => Waits::Read(u32_at(16)?),
                2 => Waits::Write(u32_at(16)?),
                _ => return Err(Errno::Inval.into()),
            };
            Ok(Subscription { userdata: u64_at(0)?, waits })
        });
        subscriptions.collect::<P1Result<_>>().map(Poll)
    }

    fn due(&self, clock: u32, time: u64, absolute: bool) -> P1Result<u64> {
        let passed = match (clock, absolute) {
            (0 | 1, false) => 0,
            (0, true) => nanoseconds(self.host.wall_clock()),
            (1, true) => self.host.monotonic(),
            _ => return Err(Errno::NotSup.into()),
        };
        Ok(self.host.monotonic().saturating_add(time.saturating_sub(passed)))
    }

    /// Whether at least one subscription has an answer.
    pub fn is_ready(&self, poll: &Poll) -> bool {
        let now = self.host.monotonic();
        poll.0.iter().any(|subscription| self.has_answer(subscription.waits, now))
    }

    fn has_answer(&self, waits: Waits, now: u64) -> bool {
        match waits {
            Waits::Clock(deadline) => deadline <= now,
            // An error is an answer, too.
            Waits::Read(fd) => !self.reads_input(fd) || self.host.input_is_ready(),
            Waits::Write(_) => true,
        }
    }

    /// `poll_oneoff`, after waiting: stores an event for each subscription
    /// that has an answer.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn poll_oneoff(&self, memory: &mut impl Memory, poll: &Poll, events: u32, out: u32) -> P1Result<()> {
        let now = self.host.monotonic();
        let mut count = 0_u32;
        for subscription in poll.0.iter().filter(|subscription| self.has_answer(subscription.waits, now)) {
            let (kind, error, bytes, hangup) = match subscription.waits {
                Waits::Clock(_) => (0_u8, 0, 0, false),
                Waits::Read(fd) => {
                    let (error, bytes, hangup) = self.readable(fd);
                    (1, error, bytes, hangup)
                }
                Waits::Write(fd) => (2, self.writable(fd), 1, false),
            };
            let mut event = [0; EVENT as usize];
            let (head, tail) = event.split_at_mut(16);
            let (userdata, kinds) = head.split_at_mut(8);
            userdata.copy_from_slice(&subscription.userdata.to_le_bytes());
            let [low, high] = error.to_le_bytes();
            kinds.copy_from_slice(&[low, high, kind, 0, 0, 0, 0, 0]);
            let (size, flags) = tail.split_at_mut(8);
            size.copy_from_slice(&u64::to_le_bytes(bytes));
            flags.copy_from_slice(&[u8::from(hangup), 0, 0, 0, 0, 0, 0, 0]);
            memory.write(events.checked_add(count * EVENT).ok_or(Errno::Overflow)?, &event)?;
            count += 1;
        }
        memory.write_u32(out, count)
    }

    /// The error number, the bytes that can be read, and whether that is the
    /// end.
    fn readable(&self, fd: u32) -> (u16, u64, bool) {
        match self.get(fd) {
            Ok(Fd::Input) => {
                let bytes = self.host.input_available() as u64;
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

    fn writable(&self, fd: u32) -> u16 {
        match self.get(fd) {
            Ok(Fd::File(_) | Fd::Output(_)) => 0,
            Ok(Fd::Directory { .. } | Fd::Input) | Err(_) => Errno::Badf.code(),
        }
    }
}
