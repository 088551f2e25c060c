//! A handler over files under `trigger-larder` beside the same component under
//! `wasmtime serve` with a host directory. `docs/benchmarks-spin.md` says what is
//! measured and how to read it.
//!
//! What lives here: arguments and output. Who answers requests is in `host`, what
//! is asked in `case`, who asks in `load`; `measure` takes turns.

mod arguments;
mod case;
mod content;
mod contestant;
mod guest;
mod host;
mod load;
mod measure;
mod numbers;
mod plan;
mod processor;
mod report;
mod table;
mod targets;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use larder_bench_common::{Machine, Program, Results, on_signals};
use larder_test_spin::built;

use arguments::Arguments;
use report::Report;

/// The allocator of the `larder` command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Tells whoever waits. Nobody is left to be told when standard error is closed.
pub(crate) fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}");
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let plan = arguments.plan();
    on_signals(measure::end)?;
    let found = measure::all(&plan)?;
    let programs = [built::larder(), built::wasmtime()].map(|path| Program { path, argument: "--version" });
    let report = Report::new(Machine::now(&programs), plan, found);
    let results = Results { json: arguments.json.as_deref(), markdown: arguments.markdown.as_deref() };
    results.write(&table::markdown(&report), &report)?;
    Ok(if report.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
