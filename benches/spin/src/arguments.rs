//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::case::Case;
use crate::contestant::Contestant;
use crate::guest::Guest;
use crate::plan::Plan;

/// A handler over files under `trigger-larder` beside the same component under
/// `wasmtime serve`, and prints the ratios.
#[derive(Debug, Parser)]
#[command(
    name = "larder-bench-spin",
    after_help = "EXAMPLES:\n  tests/bench-spin --quick\n  tests/bench-spin --guest spin7 --case read --clients 8 --repetitions 9\n  tests/bench-spin --guest spin7 --reuse 1 --concurrent 1\n  tests/bench-spin --json /tmp/spin.json"
)]
pub(crate) struct Arguments {
    /// Short cells, once: to see that it works.
    #[arg(long)]
    quick: bool,
    /// Only this guest; may be given several times.
    #[arg(long, value_enum)]
    guest: Vec<Guest>,
    /// Only this case; may be given several times.
    #[arg(long, value_enum)]
    case: Vec<Case>,
    /// Only this contestant; may be given several times.
    #[arg(long, value_enum)]
    only: Vec<Contestant>,
    /// So many clients at a time; may be given several times [default: 1, 2, 8
    /// and 64].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=4096))]
    clients: Vec<u16>,
    /// Repetitions of each cell.
    #[arg(long)]
    repetitions: Option<usize>,
    /// Milliseconds of a repetition that count.
    #[arg(long, value_name = "MS")]
    measured: Option<u64>,
    /// Milliseconds before those, in which nothing counts.
    #[arg(long, value_name = "MS")]
    warm: Option<u64>,
    /// Requests of one instance, instead of each contestant's default.
    #[arg(long, value_name = "COUNT")]
    reuse: Option<usize>,
    /// Requests of one instance at a time, instead of each contestant's default.
    #[arg(long, value_name = "COUNT")]
    concurrent: Option<usize>,
    /// Where Wasmtime's directory in memory is made.
    #[arg(long, value_name = "DIR", default_value = "/dev/shm")]
    tmpfs: PathBuf,
    /// Also writes all samples to this file.
    #[arg(long)]
    pub(crate) json: Option<PathBuf>,
    /// Also writes the tables to this file.
    #[arg(long)]
    pub(crate) markdown: Option<PathBuf>,
}

impl Arguments {
    pub(crate) fn plan(&self) -> Plan {
        let mut plan = if self.quick { Plan::quick() } else { Plan::full() };
        plan.guests.retain(|guest| self.guest.is_empty() || self.guest.contains(guest));
        plan.cases.retain(|case| self.case.is_empty() || self.case.contains(case));
        plan.contestants.retain(|contestant| self.only.is_empty() || self.only.contains(contestant));
        if !self.clients.is_empty() {
            plan.clients = self.clients.iter().copied().map(usize::from).collect();
            plan.clients.sort_unstable();
            plan.clients.dedup();
        }
        if let Some(repetitions) = self.repetitions {
            plan.repetitions = repetitions.max(1);
        }
        if let Some(milliseconds) = self.measured {
            plan.measured = Duration::from_millis(milliseconds.max(1));
        }
        if let Some(milliseconds) = self.warm {
            plan.warm = Duration::from_millis(milliseconds);
        }
        plan.reuse = self.reuse;
        plan.concurrent = self.concurrent;
        self.tmpfs.clone_into(&mut plan.tmpfs);
        plan
    }
}
