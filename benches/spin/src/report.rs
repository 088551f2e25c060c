//! What a run found.

use std::collections::BTreeMap;

use larder_bench_common::Machine;
use serde::Serialize;

use crate::case::Case;
use crate::contestant::Contestant;
use crate::guest::Guest;
use crate::measure::{Found, Sample};
use crate::numbers::{Series, number};
use crate::plan::Plan;
use crate::targets::{self, Verdict};

/// A whole run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) plan: Plan,
    pub(crate) guests: Vec<Measured>,
    /// What a contestant could not do.
    pub(crate) failures: Vec<String>,
}

/// A component's part.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    pub(crate) guest: Guest,
    /// Requests that an instance answered, one after the other.
    pub(crate) reuse: BTreeMap<Contestant, u64>,
    pub(crate) rows: Vec<Row>,
}

/// A row of the table.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) case: Case,
    pub(crate) clients: usize,
    pub(crate) cells: BTreeMap<Contestant, Cell>,
    pub(crate) verdicts: Vec<Verdict>,
}

/// A contestant's repetitions.
#[derive(Debug, Serialize)]
pub(crate) struct Cell {
    /// Requests a second.
    pub(crate) rate: Series,
    /// Latencies in seconds.
    pub(crate) p50: Series,
    pub(crate) p99: Series,
    /// Processor time of the server for a request, in seconds.
    pub(crate) processor: Series,
    pub(crate) samples: Vec<Sample>,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Figure {
    Rate,
    P50,
    P99,
    Processor,
}

impl Cell {
    fn of(samples: Vec<Sample>) -> Option<Self> {
        let series = |of: fn(&Sample) -> f64| Series::of(samples.iter().map(of));
        Some(Self {
            rate: series(|sample| sample.rate)?,
            p50: series(|sample| sample.p50)?,
            p99: series(|sample| sample.p99)?,
            processor: series(|sample| sample.usage.server / number(sample.requests.max(1)))?,
            samples,
        })
    }

    /// The median, as time for a request.
    fn time(&self, figure: Figure) -> f64 {
        match figure {
            Figure::Rate => 1.0 / self.rate.median,
            Figure::P50 => self.p50.median,
            Figure::P99 => self.p99.median,
            Figure::Processor => self.processor.median,
        }
    }

    /// Lines that were acknowledged and are not in the log.
    pub(crate) fn lost(&self) -> u64 {
        self.samples.iter().map(|sample| sample.lost).sum()
    }
}

impl Row {
    /// How many times faster a contestant is than the peer, whichever of the
    /// peer's is faster in this row.
    pub(crate) fn ratio(&self, contestant: Contestant, figure: Figure) -> Option<f64> {
        let peers = self.cells.iter().filter(|(peer, _)| !peer.is_larder());
        let best = peers.map(|(_, cell)| cell.time(figure)).min_by(f64::total_cmp)?;
        let ratio = best / self.cells.get(&contestant)?.time(figure);
        ratio.is_finite().then_some(ratio)
    }
}

impl Report {
    pub(crate) fn new(machine: Machine, plan: Plan, found: Found) -> Self {
        let Found { mut samples, reuse, mut failures, .. } = found;
        let guests = plan.guests.iter().map(|&guest| {
            let mut rows = Vec::new();
            for &case in &plan.cases {
                for &clients in &plan.clients {
                    let of = |&contestant: &Contestant| {
                        let samples = samples.remove(&(guest, case, clients, contestant))?;
                        Some((contestant, Cell::of(samples)?))
                    };
                    let cells = plan.contestants.iter().filter_map(of).collect();
                    let mut row = Row { case, clients, cells, verdicts: Vec::new() };
                    row.verdicts = targets::judge(&row);
                    rows.push(row);
                }
            }
            rows.retain(|row| !row.cells.is_empty());
            let of_guest = |(&(of, contestant), &count): (&(Guest, Contestant), &u64)| {
                (of == guest).then_some((contestant, count))
            };
            Measured { guest, reuse: reuse.iter().filter_map(of_guest).collect(), rows }
        });
        let guests: Vec<Measured> = guests.collect();
        failures.extend(guests.iter().flat_map(lost));
        Self { machine, plan, guests, failures }
    }

    /// All repetitions of all cells.
    pub(crate) fn samples(&self) -> impl Iterator<Item = &Sample> {
        let rows = self.guests.iter().flat_map(|measured| &measured.rows);
        rows.flat_map(|row| row.cells.values()).flat_map(|cell| &cell.samples)
    }
}

/// Larder's lost lines fail the run; the peer's are told in the table.
fn lost(measured: &Measured) -> impl Iterator<Item = String> {
    let cells =
        measured.rows.iter().flat_map(|row| row.cells.iter().map(move |(contestant, cell)| (row, contestant, cell)));
    cells.filter(|(_, contestant, cell)| contestant.is_larder() && cell.lost() > 0).map(
        move |(row, contestant, cell)| {
            format!(
                "{}, {:?}, {} clients: {} lines were acknowledged and are not in the log",
                contestant.title(),
                measured.guest,
                row.clients,
                cell.lost()
            )
        },
    )
}
