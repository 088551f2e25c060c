//! What the project wants of volumes in S3.

use serde::Serialize;

use crate::bound::number;
use crate::contestant::Contestant::{self, LarderAsync, LarderThrough, Memory, Requests, S3fs};
use crate::report::Measured;
use crate::sizes::Sizes;

/// Memory of a process besides its budget of contents: the program, its
/// allocator's slack, requests under way.
const BESIDES: u64 = 128 << 20;

/// What is transferred by parallel requests may be slower by 10 %.
const OF_REQUESTS: f64 = 0.9;

/// What is warm runs at the speed of memory, up to what the clock tells.
const OF_MEMORY: f64 = 0.8;

/// Whether a target is met.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) target: String,
    pub(crate) value: f64,
    pub(crate) is_met: bool,
}

/// The least ratio of speeds: of whom, to whom.
fn ratios(row: &str) -> Vec<(Contestant, Contestant, f64)> {
    let both = |other, least| vec![(LarderAsync, other, least), (LarderThrough, other, least)];
    match row {
        "large-write-synced" | "large-read-cold" | "huge-write-synced" | "huge-read-cold" => {
            [both(S3fs, 2.0), both(Requests, OF_REQUESTS)].concat()
        }
        "large-read-warm" => both(Memory, OF_MEMORY),
        "small-write" | "small-rename" | "small-remove" => vec![(LarderAsync, S3fs, 10.0), (LarderThrough, S3fs, 2.0)],
        // No acknowledgement before the bucket has it: `async` gains nothing.
        "small-write-each" | "small-list-cold" | "small-read-cold" => both(S3fs, 2.0),
        "small-read-warm" => [both(S3fs, 10.0), both(Memory, OF_MEMORY)].concat(),
        "small-list" | "small-stat" => both(S3fs, 10.0),
        _ => Vec::new(),
    }
}

pub(crate) fn judge(measured: &Measured, sizes: &Sizes) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (one, other, least) in ratios(measured.row.id) {
        if let Some(value) = measured.ratio(one, other) {
            let target = format!("{} ≥ {least}× {}", short(one), other.title());
            verdicts.push(Verdict { target, value, is_met: value >= least });
        }
    }
    if measured.row.unit == crate::cases::Unit::Memory {
        for one in [LarderAsync, LarderThrough] {
            if let Some(cell) = measured.cells.get(&one) {
                let most = sizes.budget + BESIDES;
                let target = format!("{} ≤ {} MiB", short(one), most >> 20);
                verdicts.push(Verdict { target, value: cell.worst, is_met: cell.worst <= number(most) });
            }
        }
    }
    verdicts
}

fn short(contestant: Contestant) -> &'static str {
    contestant.title().trim_start_matches("Larder ")
}
