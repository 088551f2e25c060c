//! `larder s3 check`.

use anyhow::{Result, bail};
use clap::Args;

use super::{Target, wait};
use crate::output::{Output, printable};

const EXAMPLES: &str = "\
Examples:
  larder s3 check s3://bucket/data
  larder s3 check --read-only 's3://bucket/data?profile=reports'
  larder s3 check --json s3://bucket/data | jq '.[] | select(.trouble)'

It makes an object below PREFIX/.larder/, which no app sees, and removes it.";

/// Tries whether a bucket can have a volume: reached, allowed, and with conditional writes
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct CheckArguments {
    /// Tries only what a read-only volume needs, and writes nothing
    #[arg(long)]
    read_only: bool,

    /// Prints a JSON list
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    target: Target,
}

/// Tries.
///
/// # Errors
/// When something that a volume needs is not so.
pub(super) fn check(arguments: &CheckArguments) -> Result<()> {
    let address = arguments.target.address()?;
    let mut options = address.options(true)?;
    options.read_only = arguments.read_only;
    let findings = wait(larder_s3::check(&options))??;
    let mut out = Output::stdout();
    if arguments.json {
        out.json(&findings)?;
    } else {
        for finding in &findings {
            match &finding.trouble {
                None => out.line(format!("ok      {}", finding.what))?,
                Some(trouble) => out.line(format!("FAILED  {}: {}", finding.what, printable(trouble)))?,
            }
        }
    }
    out.finish()?;
    match findings.iter().filter(|finding| finding.trouble.is_some()).count() {
        0 => Ok(()),
        _ => bail!("{} cannot have a volume as it is", address.name()),
    }
}
