//! `larder s3`: what concerns volumes in buckets alone.

mod check;
mod report;
mod status;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use larder_s3::S3Address;

use super::guest::BucketArguments;
use crate::volumes::VolumeAddress;

const EXAMPLES: &str = "\
Examples:
  larder run -v s3://bucket/data::/data app.wasm
  larder run -v 's3://bucket/data?write=async&memory=1GiB::/data' app.wasm
  larder ls -l s3://bucket/data:/logs
  larder s3 status s3://bucket/data
  larder s3 check 's3://bucket/data?endpoint=http://127.0.0.1:8333'";

/// What stands before and behind the keys.
const KEYS_ARE: &str = "\
Keys of an address, s3://BUCKET[/PREFIX][?KEY=VALUE&…]; quote it for the shell. In brackets
is what holds without the key.";

const CREDENTIALS: &str = "\
In the prefix and in values, %3F and the like stand for characters: a space, `%`, `&`, `?`,
`#` and `:` are written so. An endpoint's colons need not be.

Credentials are not in an address: they come from AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY, AWS_PROFILE, and what else the AWS SDK knows, or from a file for
--s3-config, which can have all keys:

  [volume.data]
  bucket = \"bucket\"
  prefix = \"data\"                # without it: all volumes in the bucket
  access_key_id = \"…\"
  secret_access_key = \"…\"
  endpoint = \"https://s3.example.com\"

docs/s3.md says what each mode promises.";

fn help() -> String {
    format!("{KEYS_ARE}\n\n{}\n\n{CREDENTIALS}\n\n{EXAMPLES}", S3Address::help())
}

/// Looks at volumes in S3 buckets, and says how their addresses are written
#[derive(Args, Debug)]
#[command(after_help = help())]
pub(crate) struct S3Arguments {
    #[command(subcommand)]
    command: S3Command,
}

#[derive(Debug, Subcommand)]
enum S3Command {
    Status(status::StatusArguments),
    Check(check::CheckArguments),
}

/// Runs the command.
///
/// # Errors
/// Those of the commands.
pub(crate) fn s3(arguments: &S3Arguments) -> Result<()> {
    match &arguments.command {
        S3Command::Status(arguments) => status::status(arguments),
        S3Command::Check(arguments) => check::check(arguments),
    }
}

/// The volume that both are about.
#[derive(Args, Debug)]
struct Target {
    /// The volume: `s3://BUCKET/PREFIX?KEY=VALUE&…`
    #[arg(value_name = "ADDRESS")]
    address: S3Address,

    // Last, for its heading goes on to whatever follows.
    #[command(flatten)]
    buckets: BucketArguments,
}

impl Target {
    /// With what the configuration file says of it.
    fn address(&self) -> Result<S3Address> {
        match self.buckets.configured(&VolumeAddress::S3(Box::new(self.address.clone())))? {
            VolumeAddress::S3(address) => Ok(*address),
            other => bail!("{other} is not in a bucket"),
        }
    }
}

/// Waits for what the bucket answers.
fn wait<T>(asked: impl Future<Output = T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    Ok(runtime.block_on(asked))
}
