//! `larder df`.

use anyhow::{Context, Result};
use clap::Args;
use larder_nats_client::Access;
use serde::Serialize;

use super::address::Opened;
use super::reach::{ReachArguments, Reached};
use crate::files::{Directory, walk};
use crate::output::{Output, table};
use crate::units::format_size;
use crate::volumes::{LimitChanges, VolumeAddress, VolumePath, usual_limits};

const EXAMPLES: &str = "\
A volume file or a bucket does not keep limits: they are given to each run. The limits
shown are the defaults, or those of --limit. A served volume has those of its provider,
and one of a Spin app that runs those of the app.

Examples:
  larder df data.larder
  larder df --limit bytes=64MiB,inodes=1000 data.larder
  larder df nats://127.0.0.1:4222/data
  larder df s3://bucket/data
  larder df spin:data
  larder df --json *.larder";

/// Shows how much volumes hold, and how much they may
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DfArguments {
    /// The limits to compare with
    #[arg(long = "limit", value_name = "KEY=SIZE,…")]
    limits: Option<LimitChanges>,

    /// Prints a JSON list
    #[arg(long)]
    json: bool,

    /// The volumes
    #[arg(value_name = "VOLUME", required = true)]
    volumes: Vec<VolumePath>,

    // Last, for its heading goes on to whatever follows.
    #[command(flatten)]
    reach: ReachArguments,
}

#[derive(Serialize)]
struct Usage {
    volume: String,
    bytes: u64,
    bytes_limit: u64,
    inodes: u64,
    inodes_limit: u64,
    /// Bytes of the volume file.
    file_size: Option<u64>,
}

/// Shows the usage.
///
/// # Errors
/// When a volume is missing or damaged.
pub(crate) fn df(arguments: &DfArguments) -> Result<()> {
    let changes = arguments.limits.clone().unwrap_or_default();
    let mut usages = Vec::new();
    for path in &arguments.volumes {
        let address = match arguments.reach.reach(&path.address, Access::Read)? {
            Reached::Served(served) => {
                let usage = served.usage().with_context(|| path.address.to_string())?;
                usages.push(Usage {
                    volume: path.address.to_string(),
                    bytes: usage.bytes,
                    bytes_limit: usage.bytes_limit,
                    inodes: usage.inodes,
                    inodes_limit: usage.inodes_limit,
                    file_size: None,
                });
                continue;
            }
            Reached::Here(address) => address,
        };
        let opened = Opened::read(address.clone())?;
        if matches!(address, VolumeAddress::S3(_)) {
            // What is not listed yet is not counted yet.
            walk(&Directory::Here(opened.root()?), usize::MAX, |_| Ok(()))?;
        }
        let usage = opened.attached().volume().usage();
        let limits = changes.apply(usual_limits(&address));
        let file_size = match &address {
            VolumeAddress::File(file) => std::fs::metadata(file).map(|metadata| metadata.len()).ok(),
            _ => None,
        };
        usages.push(Usage {
            volume: path.address.to_string(),
            bytes: usage.bytes,
            bytes_limit: limits.bytes,
            inodes: usage.inodes,
            inodes_limit: limits.inodes,
            file_size,
        });
    }
    let mut out = Output::stdout();
    if arguments.json {
        out.json(&usages)?;
        return out.finish();
    }
    let header = ["Volume", "Used", "Limit", "Use%", "Inodes", "Limit", "Use%", "File"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(usages.iter().map(|usage| {
        vec![
            usage.volume.clone(),
            format_size(usage.bytes),
            if usage.bytes_limit == u64::MAX { "-".to_owned() } else { format_size(usage.bytes_limit) },
            percent(usage.bytes, usage.bytes_limit),
            usage.inodes.to_string(),
            usage.inodes_limit.to_string(),
            percent(usage.inodes, usage.inodes_limit),
            usage.file_size.map_or_else(|| "-".to_owned(), format_size),
        ]
    }));
    for line in table(&rows, &[false, true, true, true, true, true, true, true]) {
        out.line(line)?;
    }
    out.finish()
}

/// Rounded up, as `df` does: a full volume never shows as less than 100%.
fn percent(used: u64, limit: u64) -> String {
    match limit {
        0 | u64::MAX => "-".to_owned(),
        _ => format!("{}%", (u128::from(used) * 100).div_ceil(u128::from(limit))),
    }
}
