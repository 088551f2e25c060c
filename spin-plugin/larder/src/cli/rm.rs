//! `larder rm`.

use anyhow::{Result, bail};
use clap::Args;
use larder_core::{Error, ErrorCode, FileType, Follow};

use super::address::{ADDRESS_HELP, AtPath, for_each_path};
use super::reach::ReachArguments;
use crate::files::remove_tree;
use crate::volumes::{SaveMode, VolumePath};

const EXAMPLES: &str = "\
Examples:
  larder rm data.larder:/old.log
  larder rm -r data.larder:/cache
  larder rm -rf data.larder:/cache data.larder:/tmp
  larder rm -r nats://127.0.0.1:4222/data/cache";

/// Removes files and directories from a volume
///
/// When one of several cannot be removed, a volume file stays as it was; of a remote
/// volume those before it are gone.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{ADDRESS_HELP}"))]
pub(crate) struct RmArguments {
    /// Removes directories with all that is in them
    #[arg(short, long)]
    recursive: bool,

    /// What is missing is no error
    #[arg(short, long)]
    force: bool,

    /// What to remove; links are removed, not followed
    #[arg(value_name = "VOLUME:/PATH", required = true)]
    paths: Vec<VolumePath>,

    // Last, for its heading goes on to whatever follows.
    #[command(flatten)]
    reach: ReachArguments,
}

/// Removes.
///
/// # Errors
/// When something is missing, is a directory without `-r`, or the volume cannot
/// be saved.
pub(crate) fn rm(arguments: &RmArguments) -> Result<()> {
    for_each_path(&arguments.paths, SaveMode::Existing, &arguments.reach, |root, path| {
        if path.path.is_empty() {
            bail!("{path} is the root of the volume and cannot be removed: name what is in it");
        }
        let kind = match root.kind(Follow::No, &path.path).at_path(path)? {
            Some(kind) => kind,
            None if arguments.force => return Ok(()),
            None => return Err(Error::new(ErrorCode::NoEntry, "stat-at").at(&path.path)).at_path(path),
        };
        if kind == FileType::Directory && !arguments.recursive {
            bail!("{path} is a directory: give -r to remove it with all that is in it");
        }
        remove_tree(root, &path.path).at_path(path)
    })
}
