//! Volumes in S3 beside s3fs-fuse, `rclone mount`, JuiceFS, plain requests and
//! a volume in memory, on one SeaweedFS. `docs/benchmarks-s3.md` says what is
//! measured and how to read it.
//!
//! What lives here: arguments and output. What is done is in `cases`, who does
//! it in `host`, by whichever `files`; `measure` takes turns.

mod arguments;
mod bound;
mod cases;
mod contestant;
mod files;
mod host;
mod machine;
mod measure;
mod report;
mod server;
mod sizes;
mod table;
mod targets;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

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
    end_on_signals()?;
    let sizes = arguments.sizes();
    let server = Server::start()?;
    let found = measure::all(&server, &arguments.groups(), &arguments.contestants(), &sizes)?;
    drop(server);
    let report = Report::new(machine::describe(), sizes, found.samples, found.failures);
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

/// What runs ends in good order: its mounts and processes with it.
fn end_on_signals() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            let (Ok(mut interrupt), Ok(mut terminate)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return;
            };
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                bound::end();
            }
        });
    });
    Ok(())
}
