//! Volumes in S3 beside s3fs-fuse, `rclone mount`, JuiceFS, plain requests and
//! a volume in memory, on one SeaweedFS. `docs/benchmarks-s3.md` says what is
//! measured and how to read it.
//!
//! What lives here: arguments and output. What is done is in `cases`, who does
//! it in `host`, by whichever `files`; `measure` takes turns.

mod arguments;
mod bound;
mod caches;
mod cases;
mod contestant;
mod files;
mod host;
mod measure;
mod report;
mod server;
mod sizes;
mod table;
mod targets;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use larder_bench_common::{Machine, Program, Results, on_signals};

use arguments::Arguments;
use report::Report;
use server::Server;

/// The allocator of the `larder` command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Tells whoever waits. Nobody is left to be told when standard error is closed.
pub(crate) fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}");
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    if let Some(part) = &arguments.part {
        writeln!(std::io::stdout(), "{}", cases::part(part)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    // Its mounts and processes end with it.
    on_signals(bound::end)?;
    let sizes = arguments.sizes();
    let server = Server::start()?;
    let found = measure::all(&server, &arguments.groups(), &arguments.contestants(), &sizes)?;
    drop(server);
    let report = Report::new(Machine::now(&peers()), sizes, found.samples, found.failures);
    let results = Results { json: arguments.json.as_deref(), markdown: arguments.markdown.as_deref() };
    results.write(&table::markdown(&report), &report)?;
    Ok(if report.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the peers are asked for their versions with.
fn peers() -> Vec<Program> {
    let peers = [
        ("LARDER_WEED", "weed", "version"),
        ("LARDER_S3FS", "s3fs", "--version"),
        ("LARDER_RCLONE", "rclone", "version"),
        ("LARDER_JUICEFS", "juicefs", "version"),
    ];
    let program = |(variable, name, argument)| {
        let path = std::env::var_os(variable).unwrap_or_else(|| OsString::from(name)).into();
        Program { path, argument }
    };
    peers.map(program).into()
}
