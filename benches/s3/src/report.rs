//! What a run found.

use std::collections::BTreeMap;

use larder_bench_common::Machine;
use serde::Serialize;

use crate::bound::Sample;
use crate::cases::{ROWS, Row};
use crate::contestant::Contestant;
use crate::sizes::Sizes;
use crate::targets::{self, Verdict};

/// A whole run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) sizes: Sizes,
    pub(crate) rows: Vec<Measured>,
    /// What a contestant could not do.
    pub(crate) failures: Vec<String>,
}

/// A row of the table.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    #[serde(flatten)]
    pub(crate) row: Row,
    pub(crate) cells: BTreeMap<Contestant, Cell>,
    pub(crate) verdicts: Vec<Verdict>,
}

/// A contestant's repetitions.
#[derive(Debug, Serialize)]
pub(crate) struct Cell {
    /// Seconds for one: the middle one of the repetitions.
    pub(crate) median: f64,
    pub(crate) best: f64,
    pub(crate) worst: f64,
    /// The time was over before all was done, in one repetition at least.
    pub(crate) is_extrapolated: bool,
    samples: Vec<Sample>,
}

/// Samples by row and contestant.
pub(crate) type Samples = BTreeMap<(&'static str, Contestant), Vec<Sample>>;

impl Cell {
    fn of(samples: Vec<Sample>) -> Self {
        let mut each: Vec<f64> = samples.iter().map(Sample::each).collect();
        each.sort_by(f64::total_cmp);
        let at = |index: usize| each.get(index).copied().unwrap_or(f64::NAN);
        Self {
            median: at(each.len().saturating_sub(1) / 2),
            best: at(0),
            worst: at(each.len().saturating_sub(1)),
            is_extrapolated: !samples.iter().all(Sample::is_whole),
            samples,
        }
    }
}

impl Report {
    pub(crate) fn new(machine: Machine, sizes: Sizes, mut samples: Samples, failures: Vec<String>) -> Self {
        let rows = ROWS.iter().map(|row| {
            let of = |contestant| Some((contestant, Cell::of(samples.remove(&(row.id, contestant))?)));
            let cells = Contestant::ALL.into_iter().filter_map(of).collect();
            let mut measured = Measured { row: *row, cells, verdicts: Vec::new() };
            measured.verdicts = targets::judge(&measured, &sizes);
            measured
        });
        let rows = rows.filter(|row| !row.cells.is_empty()).collect();
        Self { machine, sizes, rows, failures }
    }
}

impl Measured {
    /// How many times faster one is than the other.
    pub(crate) fn ratio(&self, one: Contestant, other: Contestant) -> Option<f64> {
        Some(self.cells.get(&other)?.median / self.cells.get(&one)?.median)
    }
}
