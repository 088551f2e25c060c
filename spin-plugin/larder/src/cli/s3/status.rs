//! `larder s3 status`.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use clap::Args;
use larder_s3::Status;

use super::report::Report;
use super::{Target, wait};
use crate::output::Output;

/// The largest status that is read: 4 MiB. Guards memory.
const MOST_BYTES: u64 = 4 << 20;

const EXAMPLES: &str = "\
Examples:
  larder s3 status s3://bucket/data
  larder s3 status --json s3://bucket/data | jq '.status.recorded - .status.stored'

What a process says that has the volume open comes from its state directory on this host
(`state`), the rest from the bucket.";

/// Shows how a volume and its bucket get on
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct StatusArguments {
    /// Prints JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    target: Target,
}

/// Shows it.
///
/// # Errors
/// When the state cannot be read, or the bucket does not answer; what is known
/// was shown then.
pub(super) fn status(arguments: &StatusArguments) -> Result<()> {
    let address = arguments.target.address()?;
    let state = address.state_directory();
    let (status, journal) = match &state {
        Some(directory) => (read(&directory.join(Status::FILE))?, journal_bytes(&directory.join("journal"))?),
        None => (None, None),
    };
    let (bucket, trouble) = match wait(larder_s3::under_way(&address.options(true)?))? {
        Ok(under_way) => (Some(under_way), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let report = Report { volume: address.name(), state, status, journal_bytes: journal, bucket, trouble };
    let mut out = Output::stdout();
    if arguments.json {
        out.json(&report.json(now))?;
    } else {
        report.lines(now).iter().try_for_each(|line| out.line(line))?;
    }
    out.finish()?;
    if report.trouble.is_some() {
        bail!("{}: the bucket could not be asked", address.name());
    }
    Ok(())
}

/// None where no process wrote one.
fn read(path: &Path) -> Result<Option<Status>> {
    let name = path.display();
    let size = match std::fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {name}")),
    };
    if size > MOST_BYTES {
        bail!("{name} has {size} bytes: it is no status");
    }
    let text = std::fs::read(path).with_context(|| format!("cannot read {name}"))?;
    serde_json::from_slice(&text).map(Some).with_context(|| format!("{name} is no status"))
}

/// None where there is no journal.
fn journal_bytes(directory: &Path) -> Result<Option<u64>> {
    let failed = || format!("cannot read {}", directory.display());
    let files = match std::fs::read_dir(directory) {
        Ok(files) => files,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(failed),
    };
    let mut bytes = 0;
    for file in files {
        // What is gone since is not there.
        bytes += file.with_context(failed)?.metadata().map_or(0, |metadata| metadata.len());
    }
    Ok(Some(bytes))
}
