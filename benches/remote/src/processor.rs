//! Processor time of the three processes that a request goes through: what is
//! left to explain a ratio where the processors are busy all the time.

use std::fmt;
use std::ops::{AddAssign, Sub};

use crate::run::count;

/// The kernel's unit in `/proc/PID/stat`, per second: `USER_HZ`, 100 on every
/// Linux.
const TICKS: f64 = 100.0;

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

fn alone(process: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name before may have spaces; user and system time are the 12th and
    // 13th number behind it.
    let numbers = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    numbers.filter_map(|number| number.parse::<u32>().ok()).map(f64::from).sum::<f64>() / TICKS
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
