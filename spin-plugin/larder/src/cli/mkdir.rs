//! `larder mkdir`.

use anyhow::Result;
use clap::Args;

use super::address::{ADDRESS_HELP, AtPath, for_each_path};
use super::reach::ReachArguments;
use crate::volumes::{SaveMode, VolumePath};

const EXAMPLES: &str = "\
Examples:
  larder mkdir -p data.larder:/              creates an empty volume file
  larder mkdir -p data.larder:/a/b/c
  larder mkdir nats://127.0.0.1:4222/data/a";

/// Creates directories in a volume
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{ADDRESS_HELP}"))]
pub(crate) struct MkdirArguments {
    /// Creates the directories above as well, and the volume file if it is missing; an
    /// existing directory is no error
    #[arg(short, long)]
    parents: bool,

    /// The directories
    #[arg(value_name = "VOLUME:/PATH", required = true)]
    paths: Vec<VolumePath>,

    // Last, for its heading goes on to whatever follows.
    #[command(flatten)]
    reach: ReachArguments,
}

/// Creates the directories.
///
/// # Errors
/// When something is in the way, or the volume cannot be saved.
pub(crate) fn mkdir(arguments: &MkdirArguments) -> Result<()> {
    let mode = if arguments.parents { SaveMode::AtEnd } else { SaveMode::Existing };
    for_each_path(&arguments.paths, mode, &arguments.reach, |root, path| {
        if arguments.parents {
            root.create_directories(&path.path).at_path(path)
        } else {
            root.create_directory(&path.path).at_path(path)
        }
    })
}
