//! The remote form beside raw NATS: each case runs as files of a volume and as
//! plain requests and replies of the same sizes, one after the other, over the
//! same broker. `docs/benchmarks.md` says how to read the table.
//!
//! What lives here: arguments, the order of runs, and the table. The cases are
//! in `cases`, who answers in `responder`, what asks in `larder` and `raw`.

mod cases;
mod larder;
mod processor;
mod raw;
mod responder;
mod run;

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;

use larder_test_nats::Nats;
use processor::Processes;
use responder::Responder;

/// The allocator of the `larder` command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Files over NATS, side by side with raw NATS requests.
#[derive(Parser)]
struct Arguments {
    /// Fewer and shorter repetitions.
    #[arg(long)]
    quick: bool,
    /// Only cases whose name has this in it.
    #[arg(long)]
    filter: Option<String>,
    /// Where the table goes, besides standard output.
    #[arg(long)]
    markdown: Option<PathBuf>,
    /// Answer requests over the broker at this URL until standard input ends:
    /// how the harness starts its other half.
    #[arg(long, hide = true)]
    respond: Option<String>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(url) = &arguments.respond {
        return responder::respond(url);
    }
    let nats = Nats::start();
    let responder = Responder::start(&nats)?;
    let processes = Processes { server: responder.id(), broker: nats.id() };
    let mut text = String::from(run::HEAD);
    for case in cases::all() {
        if arguments.filter.as_ref().is_some_and(|wanted| !case.name.contains(wanted.as_str())) {
            continue;
        }
        for clients in cases::CLIENTS {
            let row = run::row(&nats, processes, &case, clients, arguments.quick)
                .with_context(|| format!("{} with {clients} clients", case.name))?;
            write!(std::io::stderr(), "{row}")?;
            text.push_str(&row);
        }
    }
    write!(std::io::stdout(), "{text}")?;
    if let Some(path) = &arguments.markdown {
        std::fs::write(path, &text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
