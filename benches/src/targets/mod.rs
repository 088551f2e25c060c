//! The targets that the project set itself, and whether they are met.
//!
//! What lives here: verdicts, and the targets of the host form. What does not:
//! those of the static form (`composed`).

mod composed;

use serde::Serialize;

use crate::cases::{Case, Group};
use crate::report::{Ratio, Row};
use crate::rig::Contestant;

/// Sequential calls of 64 KiB and more, against copies in the guest.
const OF_COPY: f64 = 0.7;
const OF_COPY_FROM: usize = 64 << 10;
/// Against Wasmtime's own filesystem on tmpfs.
const READS: f64 = 2.0;
const WRITES: f64 = 5.0;
const SMALL_FILES: f64 = 5.0;
const METADATA: f64 = 5.0;
/// Two threads that read one file, against one thread.
const TWO_READERS: f64 = 1.8;
/// Appends are linear: the cost of one at 16 times the count, at most this
/// much of the cost at the count. The quadratic would be 16.
const APPEND_GROWTH: f64 = 1.5;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Measure {
    /// Speed against copies in the guest's memory: at least.
    Copy,
    /// Speed against Wasmtime's filesystem at its best: at least.
    Peer,
    /// Throughput of two threads against one: at least.
    Scaling,
    /// Cost of an append against the cost at the smallest count: at most.
    Growth,
    /// Speed against the plugged component: at least.
    Plugged,
    /// Time of one operation in nanoseconds: at most.
    Time,
    /// Nanoseconds more than the bare app takes: at most.
    More,
    /// Time as a multiple of what the bare app takes: at most.
    Bare,
}

/// One target of one row.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Verdict {
    /// Whose target it is.
    pub(crate) contestant: Contestant,
    pub(crate) measure: Measure,
    pub(crate) target: f64,
    /// Of the medians.
    pub(crate) reached: f64,
    pub(crate) met: bool,
    /// Whether the best repetitions meet it: noise of the machine only ever
    /// slows a repetition down.
    pub(crate) met_at_best: bool,
}

impl Verdict {
    fn at_least(contestant: Contestant, measure: Measure, target: f64, ratio: Ratio) -> Self {
        Self {
            contestant,
            measure,
            target,
            reached: ratio.median,
            met: ratio.median >= target,
            met_at_best: ratio.best >= target,
        }
    }

    fn at_most(contestant: Contestant, measure: Measure, target: f64, median: f64, best: f64) -> Self {
        Self { contestant, measure, target, reached: median, met: median <= target, met_at_best: best <= target }
    }
}

/// Gives every row its verdicts.
pub(crate) fn judge(rows: &mut [Row]) {
    let scaling: Vec<_> = rows.iter().map(|row| across(row, rows)).collect();
    for (row, across) in rows.iter_mut().zip(scaling) {
        row.verdicts = within(row);
        row.verdicts.extend(across);
        row.verdicts.extend(composed::verdicts(row));
    }
}

/// Targets that compare Larder's host form with others.
fn within(row: &Row) -> Vec<Verdict> {
    let case = &row.case;
    let copied = matches!(case.group, Group::SequentialRead | Group::SequentialWrite) && case.size >= OF_COPY_FROM;
    let copy = copied.then_some((Measure::Copy, OF_COPY, row.ratio(Contestant::Larder, Contestant::Copy)));
    let peer = peer_target(case).map(|target| (Measure::Peer, target, row.ratio_to_peer(Contestant::Larder)));
    [copy, peer]
        .into_iter()
        .flatten()
        .filter_map(|(measure, target, ratio)| Some(Verdict::at_least(Contestant::Larder, measure, target, ratio?)))
        .collect()
}

fn peer_target(case: &Case) -> Option<f64> {
    match case.group {
        Group::SequentialRead | Group::RandomRead => Some(READS),
        Group::SequentialWrite | Group::FreshWrite => Some(WRITES),
        Group::SmallFiles if case.size == 1 << 10 => Some(SMALL_FILES),
        Group::Metadata => Some(METADATA),
        Group::SmallFiles
        | Group::Append
        | Group::Threads
        | Group::P3
        | Group::StartUp
        | Group::Stdout
        | Group::Node => None,
    }
}

/// Targets that compare the host form with itself in another row.
fn across(row: &Row, rows: &[Row]) -> Option<Verdict> {
    match row.case.group {
        Group::Threads if row.case.threads == 2 && row.case.guest.ends_with("-read") => Some(Verdict::at_least(
            Contestant::Larder,
            Measure::Scaling,
            TWO_READERS,
            scaling(row, rows, Contestant::Larder)?,
        )),
        Group::Append => {
            let first =
                rows.iter().filter(|other| other.case.group == Group::Append).min_by_key(|other| other.case.count)?;
            let (now, then) = (row.contestants.get(&Contestant::Larder)?, first.contestants.get(&Contestant::Larder)?);
            (row.case.count > first.case.count).then(|| {
                Verdict::at_most(
                    Contestant::Larder,
                    Measure::Growth,
                    APPEND_GROWTH,
                    now.median / then.median,
                    now.best / then.best,
                )
            })
        }
        _ => None,
    }
}

/// Throughput of a row with several threads as a multiple of the same with
/// one.
pub(crate) fn scaling(row: &Row, rows: &[Row], contestant: Contestant) -> Option<Ratio> {
    let (case, several) = (&row.case, row.contestants.get(&contestant)?);
    let alone = rows.iter().find(|other| {
        let other = &other.case;
        other.group == case.group
            && (other.guest, other.size, other.sharing, other.threads) == (case.guest, case.size, case.sharing, 1)
    })?;
    let alone = alone.contestants.get(&contestant)?;
    Some(Ratio {
        median: alone.median / several.median,
        best: alone.best / several.best,
        processor: alone.processor_median / several.processor_median,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases;
    use crate::rig::Sample;
    use crate::statistics::Series;

    /// A row in which an operation of each contestant takes so many
    /// nanoseconds.
    pub(super) fn row(name: &str, times: &[(Contestant, u64)]) -> Row {
        let case = cases::all(false).into_iter().find(|case| case.id() == name).unwrap();
        let series = |nanoseconds| {
            let sample = Sample { bytes: 0, operations: 1, calls: 1, nanoseconds, processor_nanoseconds: nanoseconds };
            Series::of(vec![sample])
        };
        Row::new(case, times.iter().map(|(contestant, time)| (*contestant, series(*time))).collect())
    }

    pub(super) fn verdicts(row: Row) -> Vec<(Measure, bool)> {
        let mut rows = [row];
        judge(&mut rows);
        rows[0].verdicts.iter().map(|verdict| (verdict.measure, verdict.met)).collect()
    }

    #[test]
    fn the_peer_counts_at_its_best() {
        let times = |inline| {
            use Contestant::{Copy, Larder, Wasmtime, WasmtimeInline};
            row(
                "sequential-read/raw-read 64 KiB",
                &[(Larder, 100), (Copy, 80), (Wasmtime, 900), (WasmtimeInline, inline)],
            )
        };
        assert_eq!(verdicts(times(250)), [(Measure::Copy, true), (Measure::Peer, true)]);
        assert_eq!(verdicts(times(150)), [(Measure::Copy, true), (Measure::Peer, false)]);
    }

    #[test]
    fn quadratic_appends_are_seen() {
        let mut rows = [
            row("append/append 64 B × 4000", &[(Contestant::Larder, 100)]),
            row("append/append 64 B × 16000", &[(Contestant::Larder, 110)]),
            row("append/append 64 B × 64000", &[(Contestant::Larder, 1600)]),
        ];
        judge(&mut rows);
        assert!(rows[0].verdicts.is_empty());
        assert!(rows[1].verdicts[0].met);
        assert!(!rows[2].verdicts[0].met);
    }

    #[test]
    fn two_readers_are_compared_with_one() {
        let name = |threads| format!("threads/raw-read 1 MiB same file ×{threads}");
        let mut rows = [row(&name(1), &[(Contestant::Larder, 100)]), row(&name(2), &[(Contestant::Larder, 52)])];
        judge(&mut rows);
        assert_eq!((rows[1].verdicts[0].measure, rows[1].verdicts[0].met), (Measure::Scaling, true));
        assert!(rows[0].verdicts.is_empty());
    }
}
