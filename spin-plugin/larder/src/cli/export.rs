//! `larder export`.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use larder_core::FileType;
use larder_transfer::{Report, Transfer};

use super::address::{ADDRESS_HELP, AtPath, Opened};
use super::reach::ReachArguments;
use crate::files::{kind_of, tell};
use crate::output::Output;
use crate::progress::Bar;
use crate::volumes::VolumePath;

/// Between the writer and the target, in bytes.
const BUFFER_BYTES: usize = 256 << 10;

const EXAMPLES: &str = "\
Examples:
  larder export data.larder:/site ./site        a directory, created when missing
  larder export data.larder site.tar            a tar file, by its suffix
  larder export data.larder:/logs - | gzip > logs.tar.gz
  larder export nats://127.0.0.1:4222/data site.tar

What is exported from a remote volume is in memory first.";

/// Exports a directory of a volume to a host directory or as a tar stream
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{ADDRESS_HELP}"))]
pub(crate) struct ExportArguments {
    /// Writes a tar stream, whatever the target is called
    #[arg(long)]
    tar: bool,

    /// The directory to export
    #[arg(value_name = "VOLUME[:/DIR]")]
    source: VolumePath,

    /// A directory, a tar file (by the suffix `.tar`), or `-` for standard output
    #[arg(value_name = "TARGET")]
    target: PathBuf,

    // Last, for its heading goes on to whatever follows.
    #[command(flatten)]
    reach: ReachArguments,
}

/// Exports.
///
/// # Errors
/// When the source is missing or the target cannot be written.
pub(crate) fn export(arguments: &ExportArguments) -> Result<()> {
    let ExportArguments { source, target, tar, reach } = arguments;
    let (opened, noticed) = Opened::source(source, reach, |kind| kind == FileType::Directory)?;
    match kind_of(&opened.root()?, &source.path).at_path(source)? {
        Some(FileType::Directory) => {}
        Some(_) => bail!("{source} is no directory: copy a file with `larder cp {source} {}`", target.display()),
        None => bail!("{source}: no such directory"),
    }
    let report = if target.as_os_str() == "-" {
        to_stdout(&opened, source)
    } else if *tar || target.extension().is_some_and(|extension| extension == "tar") {
        to_file(&opened, source, target)
    } else {
        to_directory(&opened, source, target)
    };
    let report = report.with_context(|| format!("cannot export {source} to {}", target.display()))?;
    let what = format!("the export of {source}");
    tell(&noticed, &what).and(tell(&report, &what))
}

fn to_directory(opened: &Opened, source: &VolumePath, target: &Path) -> Result<Report> {
    let mut bar = bar(opened, source);
    Ok(Transfer::new().with_progress(&mut bar).export_host(&opened.view()?, &source.path, target)?)
}

fn to_file(opened: &Opened, source: &VolumePath, target: &Path) -> Result<Report> {
    let mut bar = bar(opened, source);
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, File::create(target)?);
    let report = Transfer::new().with_progress(&mut bar).export_tar(&opened.view()?, &source.path, &mut out)?;
    out.flush()?;
    Ok(report)
}

fn to_stdout(opened: &Opened, source: &VolumePath) -> Result<Report> {
    if io::stdout().is_terminal() {
        bail!("standard output is a terminal: pipe the tar stream into a command or a file");
    }
    let mut bar = bar(opened, source);
    let mut out = Output::stdout();
    let report = Transfer::new().with_progress(&mut bar).export_tar(&opened.view()?, &source.path, &mut out)?;
    out.finish()?;
    Ok(report)
}

/// How much there is to do is known for the whole volume alone.
fn bar(opened: &Opened, source: &VolumePath) -> Bar {
    let total = source.path.is_empty().then(|| opened.attached().volume().usage().bytes);
    Bar::new("exporting", total)
}
