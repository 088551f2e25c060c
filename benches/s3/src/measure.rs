//! Taking turns: each repetition runs all contestants one after the other, so
//! that whatever else the machine does hits all of them.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};

use crate::bound::{self, Sample};
use crate::cases::{self, Group};
use crate::contestant::Contestant;
use crate::host::watch;
use crate::report::Samples;
use crate::server::Server;
use crate::sizes::Sizes;

/// Cells of the group that has most, and some more for what is not measured.
const CELLS: u32 = 16;

/// For what is not bounded: starting, stopping, filling.
const BESIDES: Duration = Duration::from_secs(600);

/// What was measured, and what could not be.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) samples: Samples,
    pub(crate) failures: Vec<String>,
    /// They have no further turn.
    failed: BTreeSet<Contestant>,
}

/// Measures all groups; progress goes to standard error. A contestant that
/// fails loses the rest of its group, and is told.
///
/// # Errors
/// When the run was told to end.
pub(crate) fn all(server: &Arc<Server>, groups: &[Group], contestants: &[Contestant], sizes: &Sizes) -> Result<Found> {
    let mut found = Found::default();
    for &group in groups {
        found.failed.clear();
        let turn: Vec<_> = contestants.iter().copied().filter(|contestant| group.takes(*contestant)).collect();
        if group == Group::Start {
            start(server, &turn, sizes, &mut found);
        } else {
            for round in 0..group.repetitions(sizes) {
                for &contestant in &turn {
                    found.turn(group, contestant, round, sizes, |out| group.run(contestant, server, sizes, out));
                }
            }
        }
        ensure!(!bound::has_ended(), "the run was told to end");
    }
    Ok(found)
}

fn start(server: &Arc<Server>, turn: &[Contestant], sizes: &Sizes, found: &mut Found) {
    let mut filled = Vec::new();
    for &contestant in turn {
        found.turn(Group::Start, contestant, 0, sizes, |_| {
            filled.push((contestant, cases::start(contestant, server, sizes)?));
            Ok(())
        });
    }
    for round in 0..Group::Start.repetitions(sizes) {
        for (contestant, filled) in &mut filled {
            found.turn(Group::Start, *contestant, round, sizes, |out| {
                out("start", filled.run(sizes)?);
                Ok(())
            });
        }
    }
}

impl Found {
    fn turn(
        &mut self,
        group: Group,
        contestant: Contestant,
        round: usize,
        sizes: &Sizes,
        run: impl FnOnce(cases::Out<'_>) -> Result<()>,
    ) {
        if self.failed.contains(&contestant) || bound::has_ended() {
            return;
        }
        let what = format!("{group:?} {}", contestant.title());
        crate::say(&format!("{what}, repetition {}", round + 1));
        let mut keep = |row, sample: Sample| {
            let rate = if sample.is_whole() { "" } else { "~" };
            crate::say(&format!("    {row}: {rate}{:.6} s of {}", sample.seconds, sample.done));
            self.samples.entry((row, contestant)).or_default().push(sample);
        };
        let run = || catch_unwind(AssertUnwindSafe(|| run(&mut keep)));
        let done = watch(sizes.bound * CELLS + BESIDES, run);
        let done = done.unwrap_or_else(|_| Err(anyhow!("it panicked; see above")));
        if let Err(error) = done {
            crate::say(&format!("    FAILED: {error:#}"));
            self.failures.push(format!("{what}: {error:#}"));
            self.failed.insert(contestant);
        }
    }
}
