//! The targets of the static form: attached against copies, against the
//! plugged component and against the bare app.

use super::{Measure, OF_COPY_FROM, Verdict};
use crate::cases::{Case, Group};
use crate::report::Row;
use crate::rig::Contestant;

/// Sequential calls of 64 KiB and more, against copies in the guest.
const OF_COPY: f64 = 0.65;
/// The same against the plugged component, which Wasmtime gives its lists byte
/// by byte.
const OF_PLUGGED: f64 = 10.0;
/// Files of 1 KiB against Wasmtime's own filesystem on tmpfs.
const SMALL_FILES: f64 = 10.0;
/// An open, stat and close.
const OPEN_STAT_NANOSECONDS: f64 = 600.0;
/// What starting may take more than the bare app, precompiled.
const START_UP_NANOSECONDS: f64 = 1e6;
/// Standard output, as a multiple of the time that the bare app takes.
const STDOUT: f64 = 1.1;
/// Under Node, against the plugged component, where a list costs a call into
/// JavaScript for each byte.
const OF_PLUGGED_IN_NODE: f64 = 100.0;

const ATTACHED: [Contestant; 2] = [Contestant::Attached, Contestant::AttachedMulti];

/// What a row says about them.
pub(super) fn verdicts(row: &Row) -> Vec<Verdict> {
    if row.case.group == Group::Node {
        return in_node(row).into_iter().collect();
    }
    ATTACHED.into_iter().flat_map(|attached| of(row, attached)).collect()
}

fn of(row: &Row, attached: Contestant) -> Vec<Verdict> {
    let case = &row.case;
    let at_least = |measure, target, ratio: Option<_>| Some(Verdict::at_least(attached, measure, target, ratio?));
    let at_most = |measure, target, (median, best)| Verdict::at_most(attached, measure, target, median, best);
    let bare = Contestant::WasmtimeInline;
    let verdicts = match case.group {
        Group::SequentialRead | Group::SequentialWrite if case.size >= OF_COPY_FROM => [
            at_least(Measure::Copy, OF_COPY, row.ratio(attached, Contestant::Copy)),
            at_least(Measure::Plugged, OF_PLUGGED, row.ratio(attached, Contestant::Plugged)),
        ],
        Group::SmallFiles if case.size == 1 << 10 => {
            [at_least(Measure::Peer, SMALL_FILES, row.ratio_to_peer(attached)), None]
        }
        Group::Metadata if opens_and_stats(case) => {
            let series = row.contestants.get(&attached);
            [series.map(|series| at_most(Measure::Time, OPEN_STAT_NANOSECONDS, (series.median, series.best))), None]
        }
        Group::StartUp => {
            [row.longer(attached, bare).map(|more| at_most(Measure::More, START_UP_NANOSECONDS, more)), None]
        }
        Group::Stdout => {
            let times = row.ratio(bare, attached).map(|times| (times.median, times.best));
            [times.map(|times| at_most(Measure::Bare, STDOUT, times)), None]
        }
        _ => [None, None],
    };
    verdicts.into_iter().flatten().collect()
}

fn opens_and_stats(case: &Case) -> bool {
    case.guest.ends_with("open-stat")
}

fn in_node(row: &Row) -> Option<Verdict> {
    let attached = Contestant::NodeAttached;
    let ratio = row.ratio(attached, Contestant::NodePlugged)?;
    let bulk = row.case.size >= OF_COPY_FROM;
    bulk.then(|| Verdict::at_least(attached, Measure::Plugged, OF_PLUGGED_IN_NODE, ratio))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{row, verdicts};
    use super::*;

    #[test]
    fn attached_is_compared_with_copies_and_with_plugged() {
        use Contestant::{Attached, Copy, Plugged};
        let name = "sequential-write/seq-write 1 MiB";
        let found = verdicts(row(name, &[(Attached, 100), (Copy, 70), (Plugged, 900)]));
        assert_eq!(found, [(Measure::Copy, true), (Measure::Plugged, false)]);
    }

    #[test]
    fn starting_is_compared_with_the_bare_app() {
        use Contestant::{Attached, AttachedMulti, WasmtimeInline};
        let name = "start-up/nothing, no files";
        let times = [(WasmtimeInline, 500_000), (Attached, 1_400_000), (AttachedMulti, 1_600_000)];
        assert_eq!(verdicts(row(name, &times)), [(Measure::More, true), (Measure::More, false)]);
    }

    #[test]
    fn standard_output_may_not_take_longer() {
        use Contestant::{Attached, WasmtimeInline};
        let found = |time| verdicts(row("stdout/print-lines 64 B", &[(WasmtimeInline, 100), (Attached, time)]));
        assert_eq!(found(109), [(Measure::Bare, true)]);
        assert_eq!(found(112), [(Measure::Bare, false)]);
    }

    #[test]
    fn an_operation_has_its_time() {
        let found = verdicts(row("metadata/raw-open-stat", &[(Contestant::Attached, 601)]));
        assert_eq!(found, [(Measure::Time, false)]);
    }
}
