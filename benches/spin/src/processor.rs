//! Who had the processors, as Linux tells it: in ticks of 10 ms, so that only
//! cells of seconds say something.

use std::time::Instant;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::numbers::number;

/// Ticks a second in `/proc`: `USER_HZ`, which no Linux for desktops and
/// servers has different.
const TICKS: f64 = 100.0;

/// What was used up to a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    at: Instant,
    /// Of the server's process.
    server: u64,
    /// Of this process.
    own: u64,
    /// Of all processes.
    busy: u64,
    /// What the machine's host gave to others.
    stolen: u64,
    /// Of all processors.
    all: u64,
}

/// What was used between two moments.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Usage {
    /// Seconds on the clock.
    pub(crate) seconds: f64,
    /// Processor time of the server, in seconds.
    pub(crate) server: f64,
    /// Processor time of the clients, in seconds.
    pub(crate) clients: f64,
    /// The part of all processors' time that other processes had.
    pub(crate) others: f64,
    /// The part that the machine's host gave to others.
    pub(crate) stolen: f64,
}

impl Reading {
    /// Now. `server` is the number of its process.
    pub(crate) fn now(server: u32) -> Result<Self> {
        let text = std::fs::read_to_string("/proc/stat").context("/proc/stat")?;
        let fields: Vec<u64> = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("cpu "))
            .map(|line| line.split_whitespace().filter_map(|field| field.parse().ok()).collect())
            .unwrap_or_default();
        // user nice system idle iowait irq softirq steal; guests are part of user.
        let [user, nice, system, idle, iowait, irq, softirq, stolen, ..] = fields[..] else {
            anyhow::bail!("/proc/stat has no times of processors");
        };
        let busy = user + nice + system;
        Ok(Self {
            at: Instant::now(),
            server: of_process(&server.to_string())?,
            own: of_process("self")?,
            busy,
            stolen,
            all: busy + idle + iowait + irq + softirq + stolen,
        })
    }

    /// What was used since then.
    pub(crate) fn until(&self, later: &Self) -> Usage {
        let ticks = |of: fn(&Self) -> u64| number(of(later).saturating_sub(of(self)));
        let (server, own) = (ticks(|reading| reading.server), ticks(|reading| reading.own));
        let all = ticks(|reading| reading.all).max(1.0);
        Usage {
            seconds: (later.at - self.at).as_secs_f64(),
            server: server / TICKS,
            clients: own / TICKS,
            // Each is rounded by itself.
            others: ((ticks(|reading| reading.busy) - server - own) / all).max(0.0),
            stolen: ticks(|reading| reading.stolen) / all,
        }
    }
}

/// Ticks of a process, its threads included.
fn of_process(process: &str) -> Result<u64> {
    let path = format!("/proc/{process}/stat");
    let text = std::fs::read_to_string(&path).context("the server is gone")?;
    parse(&text).with_context(|| format!("{path} has no times"))
}

/// `PID (NAME) STATE …`: user and system are the 14th and 15th field; a name may
/// have spaces and parentheses.
fn parse(text: &str) -> Option<u64> {
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_behind_any_name() {
        let text = "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 31 11 0 0 20 0 3 0 5 0 0";
        assert_eq!(parse(text), Some(42));
        assert_eq!(parse("7 (a"), None);
    }
}
