//! `larder import`.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Read};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use larder_transfer::{Report, Transfer, now};

use super::address::{ADDRESS_HELP, AtPath, Opened};
use super::reach::ReachArguments;
use crate::files::{create_directories, tell};
use crate::progress::{Bar, host_size};
use crate::volumes::{LimitChanges, VolumePath};

/// Between the source and the reader, in bytes.
const BUFFER_BYTES: usize = 256 << 10;

const EXAMPLES: &str = "\
Examples:
  larder import ./site data.larder                what is in ./site becomes the root
  larder import site.tar data.larder:/site
  curl -s https://example.com/site.tar.gz | gunzip | larder import - data.larder:/site
  larder import ./site nats://127.0.0.1:4222/data/site

A tar stream must not be compressed. A volume file that does not exist is created. What
is there already stays, unless something of the same name is imported. When the import
fails, the volume file stays as it was.

Remote volumes keep no permission bits. What is imported is in memory first, and a source
that cannot be read changes nothing; when sending fails, what was sent before stays.";

/// Imports a host directory or a tar stream into a volume
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{ADDRESS_HELP}"))]
pub(crate) struct ImportArguments {
    /// Limits of the volume, such as bytes=1GiB [default: none]
    #[arg(long = "limit", value_name = "KEY=SIZE,…")]
    limits: Option<LimitChanges>,

    /// A directory, a tar file, or `-` for a tar stream on standard input
    #[arg(value_name = "SOURCE")]
    source: PathBuf,

    /// The directory to import into, created when missing
    #[arg(value_name = "VOLUME[:/DIR]")]
    target: VolumePath,

    // Last, for its heading goes on to whatever follows.
    #[command(flatten)]
    reach: ReachArguments,
}

/// Imports.
///
/// # Errors
/// When the source cannot be read or is damaged, a limit is reached, or the
/// volume cannot be saved.
pub(crate) fn import(arguments: &ImportArguments) -> Result<()> {
    let ImportArguments { limits, source, target, reach } = arguments;
    let opened = Opened::target(target, limits.as_ref(), reach)?;
    create_directories(&opened.root()?, now(), target.path.trim_end_matches('/')).at_path(target)?;
    let report =
        read_source(arguments, &opened).with_context(|| format!("cannot import {} into {target}", source.display()))?;
    let what = format!("the import of {}", source.display());
    let complete = tell(&report, &what);
    let report =
        opened.save(&target.path).with_context(|| format!("cannot import {} into {target}", source.display()))?;
    complete.and(tell(&report, &what))
}

fn read_source(arguments: &ImportArguments, opened: &Opened) -> Result<Report> {
    let ImportArguments { source, target, .. } = arguments;
    let view = opened.view()?;
    if source.as_os_str() == "-" {
        if io::stdin().is_terminal() {
            bail!("standard input is a terminal: pipe a tar stream into the command");
        }
        let mut bar = Bar::new("importing", None);
        let transfer = Transfer::new().with_progress(&mut bar);
        let mut input = BufReader::with_capacity(BUFFER_BYTES, io::stdin().lock());
        return unpack(transfer, &mut input, &view, &target.path);
    }
    let mut bar = Bar::new("importing", host_size(source));
    let transfer = Transfer::new().with_progress(&mut bar);
    if source.is_dir() {
        return Ok(transfer.import_host(source, &view, &target.path)?);
    }
    let file = File::open(source)?;
    let mut input = BufReader::with_capacity(BUFFER_BYTES, file);
    unpack(transfer, &mut input, &view, &target.path)
}

fn unpack(transfer: Transfer<'_>, input: &mut dyn Read, view: &larder_core::View, path: &str) -> Result<Report> {
    Ok(transfer.import_tar(input, view, path)?)
}
