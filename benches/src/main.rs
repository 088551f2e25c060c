//! Larder beside its peers: the same guest, the same engine, the same process,
//! one repetition after the other. `docs/benchmarks.md` says what is measured
//! and how to read it.
//!
//! What lives here: the cases, the contestants (`rig`), statistics, and the
//! report. What does not: what a case does, which is the guest's
//! (`tests/guests/bench-guest`).

mod arguments;
mod cases;
mod measure;
mod report;
mod rig;
mod statistics;
mod table;
mod targets;

use std::io::Write;

use anyhow::Result;
use clap::Parser;
use larder_bench_common::{Machine, Results};

use arguments::Arguments;
use report::Report;
use rig::Rig;

/// The allocator of the `larder` command, so that what users get is measured.
/// The peer runs in this process and has it too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let cases = arguments.selected(cases::all(arguments.quick));
    if arguments.list {
        let mut out = std::io::stdout().lock();
        return Ok(cases.iter().try_for_each(|case| writeln!(out, "{}", case.id()))?);
    }
    let contestants = arguments.contestants();
    let rig = Rig::new(&arguments.places(), &contestants)?;
    let rows = measure::all(&rig, &cases, &contestants, arguments.repetitions())?;
    let report = Report::new(Machine::now(&[]), arguments.repetitions(), rows);
    let results = Results { json: arguments.json.as_deref(), markdown: arguments.markdown.as_deref() };
    results.write(&table::markdown(&report), &report)
}
