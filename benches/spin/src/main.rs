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
mod machine;
mod measure;
mod numbers;
mod plan;
mod processor;
mod report;
mod table;
mod targets;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

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
    measure::end_on_signals()?;
    let found = measure::all(&plan)?;
    let report = Report::new(machine::describe(), plan, found);
    let text = table::markdown(&report);
    write!(std::io::stdout(), "{text}")?;
    if let Some(path) = &arguments.json {
        write_file(path, &(serde_json::to_string_pretty(&report)? + "\n"))?;
    }
    if let Some(path) = &arguments.markdown {
        write_file(path, &text)?;
    }
    Ok(if report.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
