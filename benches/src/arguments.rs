//! The command line.

use std::path::PathBuf;

use clap::Parser;

use crate::cases::{Case, Group, Wasi};
use crate::rig::{Contestant, Places};

/// Repetitions of every case, without and with `--quick`.
const REPETITIONS: usize = 9;
const QUICK_REPETITIONS: usize = 3;

/// Runs one guest on Larder's host form, with Larder's static form inside, on
/// Wasmtime's own wasi:filesystem and against copies in its own memory, and
/// prints the ratios.
#[derive(Debug, Parser)]
#[command(
    name = "larder-benches",
    after_help = "EXAMPLES:\n  tests/bench --quick\n  tests/bench --filter 'sequential' --repetitions 21\n  tests/bench --json /tmp/benchmarks.json"
)]
pub(crate) struct Arguments {
    /// The guest: bench-guest.wasm, built by tests/guests/build.
    #[arg(long)]
    pub(crate) guest: PathBuf,
    /// The same for WASI 0.3: bench-guest-p3.wasm. Without it there are no
    /// rows of WASI 0.3.
    #[arg(long)]
    pub(crate) guest_p3: Option<PathBuf>,
    /// The folder with node_modules, jco among them. Without it, and in a
    /// quick run without --filter, there are no rows of Node.
    #[arg(long)]
    node: Option<PathBuf>,
    /// Where Wasmtime's own filesystem works: a directory on tmpfs.
    #[arg(long, default_value = "/dev/shm")]
    pub(crate) peer_directory: PathBuf,
    /// Only cases whose name contains this; may be given several times.
    #[arg(long)]
    pub(crate) filter: Vec<String>,
    /// Only this contestant, for a profiler; may be given several times.
    #[arg(long, value_enum)]
    pub(crate) only: Vec<Contestant>,
    /// Fewer operations and repetitions: to see that it works.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Repetitions of every case and contestant.
    #[arg(long)]
    repetitions: Option<usize>,
    /// Also writes all samples to this file.
    #[arg(long)]
    pub(crate) json: Option<PathBuf>,
    /// Also writes the tables to this file.
    #[arg(long)]
    pub(crate) markdown: Option<PathBuf>,
    /// Prints the names of the cases and ends.
    #[arg(long)]
    pub(crate) list: bool,
}

impl Arguments {
    /// Who takes part.
    pub(crate) fn contestants(&self) -> Vec<Contestant> {
        let chosen = |contestant: &Contestant| self.only.is_empty() || self.only.contains(contestant);
        Contestant::ALL.into_iter().filter(chosen).collect()
    }

    pub(crate) fn repetitions(&self) -> usize {
        self.repetitions.unwrap_or(if self.quick { QUICK_REPETITIONS } else { REPETITIONS }).max(1)
    }

    pub(crate) fn places(&self) -> Places<'_> {
        Places {
            guest: &self.guest,
            guest_p3: self.guest_p3.as_deref(),
            node: self.node.as_deref(),
            peer_directory: &self.peer_directory,
        }
    }

    /// The cases that the filters leave.
    pub(crate) fn selected(&self, cases: Vec<Case>) -> Vec<Case> {
        let node = self.node.is_some() && !(self.quick && self.filter.is_empty());
        cases
            .into_iter()
            .filter(|case| case.wasi == Wasi::P2 || self.guest_p3.is_some())
            .filter(|case| case.group != Group::Node || node)
            .filter(|case| self.filter.is_empty() || self.filter.iter().any(|part| case.id().contains(part)))
            .collect()
    }
}
