//! What the rules together do to one request.

use std::time::Duration;

use super::body::Spoil;
use super::rule::{Answer, Fault};

/// How a request ends other than by the server's answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Answer(Answer),
    Reset,
    Stall,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Plan {
    pub(super) latency: Duration,
    pub(super) bandwidth: Option<u64>,
    /// In place of the server.
    pub(super) before: Option<End>,
    /// In place of its answer.
    pub(super) after: Option<End>,
    truncate: Option<u64>,
    corrupt: Option<u64>,
}

impl Plan {
    /// Latencies add up; of all others that are alike the first counts.
    pub(super) fn add(&mut self, fault: Fault) {
        match fault {
            Fault::Latency(latency) => self.latency += latency,
            Fault::Bandwidth(bandwidth) => _ = self.bandwidth.get_or_insert(bandwidth),
            Fault::Answer(answer) => _ = self.before.get_or_insert(End::Answer(answer)),
            Fault::ResetBefore => _ = self.before.get_or_insert(End::Reset),
            Fault::Stall => _ = self.before.get_or_insert(End::Stall),
            Fault::AnswerAfter(answer) => _ = self.after.get_or_insert(End::Answer(answer)),
            Fault::ResetAfter => _ = self.after.get_or_insert(End::Reset),
            Fault::StallAfter => _ = self.after.get_or_insert(End::Stall),
            Fault::Truncate(end) => _ = self.truncate.get_or_insert(end),
            Fault::Corrupt(offset) => _ = self.corrupt.get_or_insert(offset),
        }
    }

    pub(super) const fn spoil(&self) -> Spoil {
        Spoil { bandwidth: self.bandwidth, truncate: self.truncate, corrupt: self.corrupt }
    }
}
