//! `trigger-larder`: the trigger of Spin apps with `[[trigger.larder]]`, which
//! `spin up` starts as a plugin. It is this executable under that name.
//!
//! | Module | What lives there |
//! |---|---|
//! | [`flags`] | the command line, and what Spin asks of it |
//! | [`settings`] | the runtime configuration file |
//! | [`start`] | from what `spin up` said to what is to be run |
//! | [`volumes`], [`files`] | what components see |
//! | [`logs`] | where their output goes |
//! | [`site`] | routes: which instances answer a request |
//! | [`background`] | commands |
//! | [`parent`] | the end of whatever started this process |
//! | [`socket`] | the volumes, for the file commands of other processes |
//! | [`telemetry`] | what a collector of OpenTelemetry is told |
//! | [`run`] | everything at once, and the orderly end |
//!
//! What does not live here: what an app says, which is `larder-spin-app`'s, and
//! running of guests ([`runtime`](crate::runtime)).

mod background;
mod files;
mod flags;
mod logs;
mod parent;
mod run;
mod settings;
mod site;
mod socket;
mod start;
mod telemetry;
mod tls;
mod volumes;

use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

pub(crate) use flags::Flags;
pub(crate) use socket::SOCKET;

/// What the executable is called as the plugin, which is how Spin starts it.
const NAME: &str = "trigger-larder";

/// Whether this process was started as the plugin: by the name that the
/// executable was called by.
pub(crate) fn is_meant(program: Option<&OsStr>) -> bool {
    program.is_some_and(|program| Path::new(program).file_stem() == Some(OsStr::new(NAME)))
}

/// Reads the command line, and does what Spin asks before all else. None when
/// that was all.
///
/// # Errors
/// When standard output or error does not take what Spin asked for.
pub(crate) fn parse() -> Result<Option<Flags>> {
    let flags = Flags::parse();
    if flags.help_args_only {
        flags::print_help()?;
        return Ok(None);
    }
    if flags.launch_metadata_only {
        flags::print_metadata()?;
        return Ok(None);
    }
    Ok(Some(flags))
}

/// Runs the app until it ends or is to end.
///
/// # Errors
/// When it cannot be run as it asks.
pub(crate) fn dispatch(flags: Flags) -> Result<ExitCode> {
    crate::cli::within_tokio(run::run(flags))
}
