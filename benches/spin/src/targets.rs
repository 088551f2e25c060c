//! What the project wants: never slower, and reads faster.

use serde::Serialize;

use crate::case::Case;
use crate::contestant::Contestant;
use crate::report::{Figure, Row};

/// Requests a second that read a file.
const READS: f64 = 1.5;

/// Everything else.
const NEVER_SLOWER: f64 = 1.0;

/// Whether a target is met.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) contestant: Contestant,
    pub(crate) figure: Figure,
    pub(crate) target: f64,
    /// The ratio of medians.
    pub(crate) reached: f64,
    pub(crate) met: bool,
}

/// The targets of a row. What has no files has none: both serve it by the same
/// library.
pub(crate) fn judge(row: &Row) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    if !row.case.has_files() {
        return verdicts;
    }
    for contestant in Contestant::LARDER {
        for figure in [Figure::Rate, Figure::P50, Figure::P99] {
            let target = if (row.case, figure) == (Case::Read, Figure::Rate) { READS } else { NEVER_SLOWER };
            if let Some(reached) = row.ratio(contestant, figure) {
                verdicts.push(Verdict { contestant, figure, target, reached, met: reached >= target });
            }
        }
    }
    verdicts
}
