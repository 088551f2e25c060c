//! `larder rm`.

use anyhow::{Result, bail};
use clap::Args;
use larder_core::{ErrorCode, FileType, Follow};
use larder_transfer::now;

use super::address::{ADDRESS_HELP, AtPath, for_each_path};
use crate::files::remove_tree;
use crate::volumes::{SaveMode, VolumePath};

const EXAMPLES: &str = "\
Examples:
  larder rm data.larder:/old.log
  larder rm -r data.larder:/cache
  larder rm -rf data.larder:/cache data.larder:/tmp";

/// Removes files and directories from a volume
///
/// When one of several cannot be removed, the volume stays as it was.
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
}

/// Removes.
///
/// # Errors
/// When something is missing, is a directory without `-r`, or the volume cannot
/// be saved.
pub(crate) fn rm(arguments: &RmArguments) -> Result<()> {
    for_each_path(&arguments.paths, SaveMode::Existing, |root, path| {
        if path.path.is_empty() {
            bail!(
                "{path} is the root of the volume and cannot be removed: name what is in it, or remove the volume file"
            );
        }
        let attributes = match root.stat_at(Follow::No, &path.path) {
            Err(error) if error.code() == ErrorCode::NoEntry && arguments.force => return Ok(()),
            attributes => attributes.at_path(path)?,
        };
        if attributes.file_type == FileType::Directory && !arguments.recursive {
            bail!("{path} is a directory: give -r to remove it with all that is in it");
        }
        remove_tree(root, now(), &path.path).at_path(path)
    })
}
