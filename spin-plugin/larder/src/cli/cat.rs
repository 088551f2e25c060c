//! `larder cat`.

use anyhow::{Context, Result};
use clap::Args;
use larder_core::{Descriptor, DescriptorFlags, Follow, OpenFlags};
use larder_transfer::now;

use super::address::{ADDRESS_HELP, AtPath, for_each_path};
use super::reach::ReachArguments;
use crate::files::Directory;
use crate::output::Output;
use crate::volumes::{SaveMode, VolumePath};

/// Bytes read at a time; the store hands them out without copying.
const PIECE: usize = 1 << 20;

const EXAMPLES: &str = "\
Examples:
  larder cat data.larder:/logs/app.log
  larder cat nats://127.0.0.1:4222/data/logs/app.log
  larder cat spin:data:/logs/app.log
  larder cat data.larder:/a data.larder:/b > both";

/// Writes files of a volume to standard output
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{ADDRESS_HELP}"))]
pub(crate) struct CatArguments {
    /// The files
    #[arg(value_name = "VOLUME:/PATH", required = true)]
    paths: Vec<VolumePath>,

    // Last, for its heading goes on to whatever follows.
    #[command(flatten)]
    reach: ReachArguments,
}

/// Writes the files one after the other.
///
/// # Errors
/// When one is missing or is no file.
pub(crate) fn cat(arguments: &CatArguments) -> Result<()> {
    let mut out = Output::stdout();
    for_each_path(&arguments.paths, SaveMode::Never, &arguments.reach, |root, path| match root {
        Directory::Here(root) => local(&mut out, root, path),
        Directory::Remote(root) => root.read(&path.path, |piece| out.bytes(piece)).with_context(|| path.to_string()),
    })?;
    out.finish()
}

fn local(out: &mut Output, root: &Descriptor, path: &VolumePath) -> Result<()> {
    let file = root.open_at(now(), Follow::Yes, &path.path, OpenFlags::empty(), DescriptorFlags::READ).at_path(path)?;
    let mut offset = 0;
    loop {
        let pieces = file.read(offset, PIECE).at_path(path)?;
        if pieces.is_empty() {
            return Ok(());
        }
        for piece in pieces {
            offset += piece.len() as u64;
            out.bytes(&piece)?;
        }
    }
}
