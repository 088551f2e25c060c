//! Taking turns: every repetition of a case runs all contestants one after the
//! other, so that whatever else the machine does hits all of them.

use std::io::Write;

use anyhow::Result;

use crate::cases::Case;
use crate::report::Row;
use crate::rig::{Contestant, Ground, Rig};
use crate::statistics::Series;

/// Measures all cases; progress goes to standard error.
///
/// # Errors
/// When a guest fails.
pub(crate) fn all(rig: &Rig, cases: &[Case], contestants: &[Contestant], repetitions: usize) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        // Nobody is left to be told when standard error is closed.
        let _ = writeln!(std::io::stderr(), "{:>3}/{} {}", number + 1, cases.len(), case.id());
        rows.push(row(rig, case, contestants, repetitions)?);
    }
    Ok(rows)
}

fn row(rig: &Rig, case: &Case, contestants: &[Contestant], repetitions: usize) -> Result<Row> {
    let mut entered = Vec::new();
    for contestant in contestants.iter().copied() {
        if let Some(guest) = contestant.part_in(case) {
            let ground = Ground::new(rig, contestant, case)?;
            rig.prepare(&ground, case)?;
            entered.push((ground, guest, Vec::new()));
        }
    }
    // The first round warms up: files are made, caches filled.
    for round in 0..=repetitions {
        for (ground, guest, samples) in &mut entered {
            let sample = rig.run(ground, case, guest)?;
            if round > 0 {
                samples.push(sample);
            }
        }
    }
    let series = entered.into_iter().map(|(ground, _, samples)| (ground.contestant, Series::of(samples)));
    Ok(Row::new(case.clone(), series.collect()))
}
