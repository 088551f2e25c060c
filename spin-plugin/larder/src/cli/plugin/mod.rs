//! `larder plugin`: what concerns Spin's plugins.

mod archive;
mod manifest;
mod pack;
mod platform;

use anyhow::Result;
use clap::{Args, Subcommand};

/// Packs this executable as plugins of Spin
#[derive(Args, Debug)]
pub(crate) struct PluginArguments {
    #[command(subcommand)]
    command: PluginCommand,
}

#[derive(Debug, Subcommand)]
enum PluginCommand {
    Pack(pack::PackArguments),
}

/// Runs the command.
///
/// # Errors
/// What the user is to be told.
pub(crate) fn plugin(arguments: &PluginArguments) -> Result<()> {
    match &arguments.command {
        PluginCommand::Pack(arguments) => pack::pack(arguments),
    }
}
