//! Who had the processors, as Linux tells it: in ticks of 10 ms, so that only
//! cells of seconds say something.

use std::time::Instant;

use anyhow::{Context, Result};
use larder_bench_common::{TICKS, process_ticks};
use serde::Serialize;

use crate::numbers::number;

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

fn of_process(process: &str) -> Result<u64> {
    process_ticks(process).with_context(|| format!("/proc/{process}/stat cannot be read: the process is gone"))
}
