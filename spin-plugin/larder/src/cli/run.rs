//! `larder run`.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory};

use super::guest::{GuestArguments, VolumeArguments};
use crate::apps::{copy_in, copy_out};
use crate::exit;
use crate::runtime::{
    App, AppBytes, DEFAULT_COMMAND_MEMORY, Engines, GuestSetup, Outcome, Outgoing, Runtime, Spin, Stdio, Stop,
    run_command,
};
use crate::volumes::CopyArgument;

const EXAMPLES: &str = "\
Examples:
  larder run app.wasm --flag arg             arguments after the app are the app's
  larder run -v data.larder::/data app.wasm
  larder run -v data.larder::/data:sync -v tmp::/tmp app.wasm
  larder run -v site.larder#/public::/www:ro app.wasm
  larder run -v nats://127.0.0.1:4222/data::/data app.wasm     served by larder-provider
  larder run -v s3://bucket/data::/data app.wasm               in an S3 bucket
  larder run --copy-in ./input::/in --copy-out /out/report.pdf::report.pdf app.wasm
  larder run --limit bytes=64MiB,inodes=1000 --timeout 30s app.wasm

Exit codes:
  The guest's; 134 when it traps; 124 after --timeout; 130, 143, 129 after SIGINT,
  SIGTERM, SIGHUP; 74 when a volume could not be saved; 1 for other errors.";

/// Runs a WASI command over volumes
///
/// APP is a component (WASI 0.2 or 0.3) or a core module for WASI 0.1. Standard input,
/// output and error are the guest's. The files that it sees are those of its volumes,
/// never the host's.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    volumes: VolumeArguments,

    /// Copies a host file or directory into a mount before the run: HOST::GUEST
    ///
    /// A directory is merged into the guest directory GUEST. A file becomes GUEST, or
    /// goes into it when GUEST ends with `/` or is a directory.
    #[arg(long, value_name = "HOST::GUEST", value_parser = CopyArgument::copy_in, help_heading = "Volumes")]
    copy_in: Vec<CopyArgument>,

    /// Copies a file or directory out of a mount after the run: GUEST::HOST
    ///
    /// Also after a trap, a timeout or a signal.
    #[arg(long, value_name = "GUEST::HOST", value_parser = CopyArgument::copy_out, help_heading = "Volumes")]
    copy_out: Vec<CopyArgument>,

    #[command(flatten)]
    guest: GuestArguments,

    /// The app, a component or a core module, and its arguments
    // One list, so that options behind the app are the app's, `--help` as well.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true, value_name = "APP [ARGS]")]
    app: Vec<String>,
}

/// Runs the command and gives the exit code.
///
/// # Errors
/// When the app or a volume cannot be loaded; nothing was run then.
pub(crate) async fn run(arguments: RunArguments) -> Result<u8> {
    let (app, app_arguments) = app_and_arguments(&arguments.app);
    let (volumes, mounts) = arguments.volumes.mount()?;
    let memory = arguments.guest.memory.unwrap_or(DEFAULT_COMMAND_MEMORY);
    let mut bytes = AppBytes::read(Path::new(app))?;
    if mounts.has_remote() {
        bytes = bytes.forwarding()?;
    }
    let runtime = Arc::new(Runtime::new(
        &arguments.guest.cache.cache(),
        Engines { p3: bytes.may_need_p3(), ..Engines::default() },
    )?);
    let compiled = App::compile(&runtime, &bytes)?;
    compiled.check_command()?;
    for copy in &arguments.copy_in {
        copy_in(&mounts, copy)?;
    }
    let mut program = vec![bytes.program_name()];
    // Not needed any more, and as large as the app.
    drop(bytes);
    program.extend_from_slice(app_arguments);
    let setup = GuestSetup {
        arguments: program,
        environment: arguments.guest.environment,
        mounts: mounts.clone(),
        memory,
        stdio: Stdio::Inherit,
        outgoing: Outgoing::Nowhere,
        spin: Spin::default(),
    };
    let stop = Stop::on_signals();
    let outcome = run_command(runtime, compiled, setup, arguments.guest.timeout, &stop).await;
    if let Some(message) = outcome.message() {
        crate::notice(&message);
    }
    let mut code = outcome.exit_code();
    for copy in &arguments.copy_out {
        if let Err(error) = copy_out(&mounts, copy) {
            crate::report(&error);
            code = worst(code, exit::FAILURE, &outcome);
        }
    }
    if let Err(error) = volumes.save() {
        crate::report(&error);
        code = exit::NOT_SAVED;
    }
    Ok(code)
}

/// Splits the list behind the options.
///
/// An option of ours that does not exist lands here as well, since the app's
/// own options must: it is told apart by standing where the app should.
fn app_and_arguments(list: &[String]) -> (&str, &[String]) {
    match list.split_first() {
        Some((app, arguments)) if !app.starts_with('-') => (app, arguments),
        Some((option, _)) => usage_error(&format!("unexpected argument '{option}' before the app")),
        None => usage_error("the app is missing"),
    }
}

fn usage_error(message: &str) -> ! {
    let mut command = super::Cli::command();
    command.build();
    let run = command.find_subcommand_mut("run").map(|run| run.clone());
    run.unwrap_or(command).error(ErrorKind::UnknownArgument, message).exit()
}

/// A failure of ours shows in the exit code only when the guest's is 0.
fn worst(code: u8, ours: u8, outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Exited(0) => ours,
        _ => code,
    }
}
