//! What a run found, as it is kept in JSON.

use std::collections::BTreeMap;

use larder_bench_common::Machine;
use serde::Serialize;

use crate::cases::Case;
use crate::rig::Contestant;
use crate::statistics::Series;
use crate::targets::{self, Verdict};

/// A whole run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) larder: &'static str,
    /// They decide how the C library copies.
    pub(crate) glibc_tunables: Option<String>,
    pub(crate) repetitions: usize,
    pub(crate) rows: Vec<Row>,
}

/// One case.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) case: Case,
    pub(crate) contestants: BTreeMap<Contestant, Series>,
    pub(crate) verdicts: Vec<Verdict>,
}

/// How many times faster one contestant is than another.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Ratio {
    /// Of the medians.
    pub(crate) median: f64,
    /// Of the best repetitions.
    pub(crate) best: f64,
    /// Of the processor times, medians.
    pub(crate) processor: f64,
}

impl Report {
    pub(crate) fn new(machine: Machine, repetitions: usize, mut rows: Vec<Row>) -> Self {
        targets::judge(&mut rows);
        let glibc_tunables = std::env::var("GLIBC_TUNABLES").ok();
        Self { machine, larder: env!("CARGO_PKG_VERSION"), glibc_tunables, repetitions, rows }
    }
}

impl Row {
    pub(crate) fn new(case: Case, contestants: BTreeMap<Contestant, Series>) -> Self {
        Self { name: case.id(), case, contestants, verdicts: Vec::new() }
    }

    /// The speed of `one` as a multiple of that of `other`.
    pub(crate) fn ratio(&self, one: Contestant, other: Contestant) -> Option<Ratio> {
        let (one, other) = (self.contestants.get(&one)?, self.contestants.get(&other)?);
        Some(Ratio {
            median: other.median / one.median,
            best: other.best / one.best,
            processor: other.processor_median / one.processor_median,
        })
    }

    /// The speed of `one` as a multiple of the peer's in the configuration
    /// that serves the peer better.
    pub(crate) fn ratio_to_peer(&self, one: Contestant) -> Option<Ratio> {
        let (plain, inline) = (self.ratio(one, Contestant::Wasmtime)?, self.ratio(one, Contestant::WasmtimeInline)?);
        Some(Ratio {
            median: plain.median.min(inline.median),
            best: plain.best.min(inline.best),
            processor: plain.processor.min(inline.processor),
        })
    }

    /// How much longer `one` takes than `other`, in nanoseconds: by the medians
    /// and by the best repetitions.
    pub(crate) fn longer(&self, one: Contestant, other: Contestant) -> Option<(f64, f64)> {
        let (one, other) = (self.contestants.get(&one)?, self.contestants.get(&other)?);
        Some((one.median - other.median, one.best - other.best))
    }
}
