//! Processor time of the three processes that a request goes through: what is
//! left to explain a ratio where the processors are busy all the time.

use std::fmt;
use std::ops::{AddAssign, Sub};

use larder_bench_common::{TICKS, process_ticks};

use crate::run::count;

/// Processor time in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    client: f64,
    server: f64,
    broker: f64,
}

/// The processes of a run, by their numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Processes {
    pub(crate) server: u32,
    pub(crate) broker: u32,
}

impl Processes {
    /// What they spent so far.
    pub(crate) fn spent(self) -> Spent {
        Spent {
            client: seconds("self"),
            server: seconds(&self.server.to_string()),
            broker: seconds(&self.broker.to_string()),
        }
    }
}

/// User and system time of a process and of its children, as the broker is one
/// of a shell; 0 where it cannot be told.
fn seconds(process: &str) -> f64 {
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    alone(process) + children.split_whitespace().map(alone).sum::<f64>()
}

#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
fn alone(process: &str) -> f64 {
    process_ticks(process).unwrap_or_default() as f64 / TICKS
}

impl Sub for Spent {
    type Output = Self;
    fn sub(self, before: Self) -> Self {
        Self {
            client: self.client - before.client,
            server: self.server - before.server,
            broker: self.broker - before.broker,
        }
    }
}

impl AddAssign for Spent {
    fn add_assign(&mut self, more: Self) {
        self.client += more.client;
        self.server += more.server;
        self.broker += more.broker;
    }
}

impl Spent {
    /// Microseconds for each of so many.
    pub(crate) fn each(self, done: f64) -> Self {
        let each = |seconds: f64| seconds * count(1_000_000) / done.max(1.0);
        Self { client: each(self.client), server: each(self.server), broker: each(self.broker) }
    }
}

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} + {:.0} + {:.0}", self.client, self.server, self.broker)
    }
}
