//! The command line: one file for each command.

mod adapter;
mod address;
mod binary;
mod carried;
mod cat;
mod completions;
mod compose;
mod cp;
mod df;
mod export;
pub(crate) mod guest;
mod import;
mod inspect;
mod ls;
mod mkdir;
mod pack;
mod plugin;
mod reach;
mod rm;
mod run;
mod s3;
mod serve;
mod stat;
mod tree;
mod up;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use crate::output::quiet_when_closed;

/// One filesystem for WebAssembly apps.
#[derive(Parser)]
#[command(
    name = "larder",
    version,
    about = "One filesystem for WebAssembly apps: runs them over volumes, and works on volumes from the host",
    after_long_help = OVERVIEW,
    arg_required_else_help = true,
    max_term_width = 100,
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

const OVERVIEW: &str = "\
Volumes:
  A volume is a file tree with limits. `NAME` is a volume in memory, gone when the
  process ends; a path (with a `/` or the suffix `.larder`) is a volume file. A volume
  file is loaded at the start and saved when the app ends, also by a trap, Ctrl-C or
  SIGTERM; with `:sync`, a guest's fsync saves it as well. Saves are written beside the
  file and renamed, so that the former content is never harmed.
  `data.larder:/dir/file` names a place in a volume file. nats://HOST[:PORT]/NAME is a
  volume that larder-provider serves, nats://HOST[:PORT]/NAME/dir/file a place in it.
  s3://BUCKET/PREFIX is a volume in an S3 bucket, s3://BUCKET/PREFIX:/dir/file a place in
  it; `larder help s3` says what can be configured. spin:NAME is a volume of a Spin app,
  running or at rest, for the file commands.

Environment:
  LARDER_LOG   what to log to standard error, such as `info` or `larder=debug`

Exit codes:
  run: the guest's; 134 trap; 124 timeout; 130, 143, 129 SIGINT, SIGTERM, SIGHUP;
  74 a volume could not be saved; 1 other errors; 2 wrong usage.

Examples:
  larder run app.wasm                                     a fresh volume at /
  larder run --volume data.larder::/data app.wasm arg     files that outlive the run
  larder ls -l data.larder:/                              what it left there
  larder serve api.wasm --listen 127.0.0.1:8080 --volume data.larder::/
  larder up apps.toml                                     several apps, shared volumes
  larder compose app.wasm -o standalone.wasm              an app and its files in one component";

#[derive(Subcommand)]
enum Command {
    Run(run::RunArguments),
    Serve(serve::ServeArguments),
    Up(up::UpArguments),
    Ls(ls::LsArguments),
    Tree(tree::TreeArguments),
    Cat(cat::CatArguments),
    Stat(stat::StatArguments),
    Df(df::DfArguments),
    Cp(cp::CpArguments),
    Mkdir(mkdir::MkdirArguments),
    Rm(rm::RmArguments),
    Import(import::ImportArguments),
    Export(export::ExportArguments),
    S3(s3::S3Arguments),
    Compose(compose::ComposeArguments),
    Pack(pack::PackArguments),
    Inspect(inspect::InspectArguments),
    Adapter(adapter::AdapterArguments),
    Plugin(plugin::PluginArguments),
    Completions(completions::CompletionsArguments),
}

/// Runs the command.
///
/// # Errors
/// What the user is to be told; the exit code is then 1.
pub(crate) fn dispatch(arguments: Cli) -> Result<ExitCode> {
    let printed = match arguments.command {
        Command::Run(arguments) => return within_tokio(run::run(arguments)),
        Command::Serve(arguments) => return within_tokio(serve::serve(arguments)),
        Command::Up(arguments) => return within_tokio(up::up(arguments)),
        Command::Ls(arguments) => ls::ls(&arguments),
        Command::Tree(arguments) => tree::tree(&arguments),
        Command::Cat(arguments) => cat::cat(&arguments),
        Command::Stat(arguments) => stat::stat(&arguments),
        Command::Df(arguments) => df::df(&arguments),
        Command::Cp(arguments) => cp::cp(&arguments),
        Command::Mkdir(arguments) => mkdir::mkdir(&arguments),
        Command::Rm(arguments) => rm::rm(&arguments),
        Command::Import(arguments) => import::import(&arguments),
        Command::Export(arguments) => export::export(&arguments),
        Command::S3(arguments) => s3::s3(&arguments),
        Command::Compose(arguments) => compose::compose(&arguments),
        Command::Pack(arguments) => pack::pack(&arguments),
        Command::Inspect(arguments) => inspect::inspect(&arguments),
        Command::Adapter(arguments) => adapter::adapter(&arguments),
        Command::Plugin(arguments) => plugin::plugin(&arguments),
        Command::Completions(arguments) => completions::completions(&arguments),
    };
    quiet_when_closed(printed)?;
    Ok(ExitCode::SUCCESS)
}

/// Runs a command that runs guests.
///
/// # Errors
/// The command's.
pub(crate) fn within_tokio(command: impl Future<Output = Result<u8>>) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    let result = runtime.block_on(command);
    // A guest may still be in a host call that does not return, such as a read
    // of the terminal: the process ends all the same.
    runtime.shutdown_background();
    // The guest's last line, should it not end in a newline.
    let _ = std::io::Write::flush(&mut std::io::stdout());
    result.map(ExitCode::from)
}
