//! What a run found, as it is kept in JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cases::Case;
use crate::machine::Machine;
use crate::rig::Contestant;
use crate::statistics::Series;
use crate::targets::{self, Verdict};

/// A whole run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
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

/// How many times faster Larder is than somebody else.
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
        Self { machine, repetitions, rows }
    }
}

impl Row {
    pub(crate) fn new(case: Case, contestants: BTreeMap<Contestant, Series>) -> Self {
        Self { name: case.id(), case, contestants, verdicts: Vec::new() }
    }

    /// Larder's speed as a multiple of a contestant's.
    pub(crate) fn ratio(&self, other: Contestant) -> Option<Ratio> {
        let (larder, other) = (self.contestants.get(&Contestant::Larder)?, self.contestants.get(&other)?);
        Some(Ratio {
            median: other.median / larder.median,
            best: other.best / larder.best,
            processor: other.processor_median / larder.processor_median,
        })
    }

    /// Larder's speed as a multiple of the peer's in the configuration that
    /// serves the peer better.
    pub(crate) fn ratio_to_peer(&self) -> Option<Ratio> {
        let (one, other) = (self.ratio(Contestant::Wasmtime)?, self.ratio(Contestant::WasmtimeInline)?);
        Some(Ratio {
            median: one.median.min(other.median),
            best: one.best.min(other.best),
            processor: one.processor.min(other.processor),
        })
    }
}
