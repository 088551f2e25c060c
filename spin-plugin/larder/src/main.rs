//! The `larder` command: runs WebAssembly apps over Larder volumes, and works
//! on volumes from the host. Under the name `trigger-larder` it is the plugin
//! that runs Spin apps.
//!
//! What lives here: the command line, volume addresses (files, locks, saving),
//! and running of apps. What does not: the store (`larder-core`), its
//! attachment to Wasmtime (`larder-wasmtime`), and moving trees between volumes
//! and hosts (`larder-transfer`).

mod apps;
mod cli;
mod exit;
mod files;
mod input;
mod output;
mod progress;
mod runtime;
mod trigger;
mod units;
mod volumes;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

/// Guests allocate and free memory in the host at a high rate, from several
/// threads; this allocator is faster at that than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What this process was asked to do.
enum Asked {
    Command(cli::Cli),
    /// As Spin's plugin.
    Trigger(trigger::Flags),
}

fn main() -> ExitCode {
    let asked = if trigger::is_meant(std::env::args_os().next().as_deref()) {
        match trigger::parse() {
            Ok(Some(flags)) => Asked::Trigger(flags),
            Ok(None) => return ExitCode::SUCCESS,
            Err(error) => {
                report(&error);
                return ExitCode::from(exit::FAILURE);
            }
        }
    } else {
        Asked::Command(cli::Cli::parse())
    };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_env("LARDER_LOG").unwrap_or_else(|_| EnvFilter::new("error")))
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    let done = match asked {
        Asked::Command(arguments) => cli::dispatch(arguments),
        Asked::Trigger(flags) => trigger::dispatch(flags),
    };
    done.unwrap_or_else(|error| {
        report(&error);
        ExitCode::from(exit::FAILURE)
    })
}

/// Tells the user of an error, with all its causes on one line.
fn report(error: &anyhow::Error) {
    notice(&format!("error: {error:#}"));
}

/// Tells the user something beside the guest's own output.
fn notice(text: &str) {
    announce(&format!("larder: {text}"));
}

/// Writes a line to standard error that scripts may look for.
fn announce(line: &str) {
    // Nobody is left to be told when standard error is closed.
    let _ = writeln!(std::io::stderr(), "{line}");
}
