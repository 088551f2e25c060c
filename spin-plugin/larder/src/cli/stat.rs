//! `larder stat`.

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::address::{ADDRESS_HELP, AtPath, for_each_path};
use super::reach::ReachArguments;
use crate::files::Entry;
use crate::output::{Output, printable};
use crate::units::format_size;
use crate::volumes::{SaveMode, VolumePath};

const EXAMPLES: &str = "\
Examples:
  larder stat data.larder:/logs/app.log
  larder stat --json data.larder:/logs/app.log | jq '.[0].size'
  larder stat nats://127.0.0.1:4222/data/logs/app.log";

/// Shows all that is known of files, directories and links of a volume
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{ADDRESS_HELP}"))]
pub(crate) struct StatArguments {
    /// Prints a JSON list
    #[arg(long)]
    json: bool,

    /// What to show; links are not followed
    #[arg(value_name = "VOLUME[:/PATH]", required = true)]
    paths: Vec<VolumePath>,

    // Last, for its heading goes on to whatever follows.
    #[command(flatten)]
    reach: ReachArguments,
}

#[derive(Serialize)]
struct Stat {
    path: String,
    #[serde(flatten)]
    entry: Entry,
}

/// Shows the attributes.
///
/// # Errors
/// When something is missing.
pub(crate) fn stat(arguments: &StatArguments) -> Result<()> {
    let mut stats = Vec::new();
    for_each_path(&arguments.paths, SaveMode::Never, &arguments.reach, |root, path| {
        let entry = root.entry_at(&path.path).at_path(path)?;
        stats.push(Stat { path: path.absolute(), entry });
        Ok(())
    })?;
    let mut out = Output::stdout();
    if arguments.json {
        out.json(&stats)?;
        return out.finish();
    }
    for (index, Stat { path, entry }) in stats.iter().enumerate() {
        if index > 0 {
            out.line("")?;
        }
        out.line(format!("    Path: {}", printable(path)))?;
        out.line(format!("    Type: {}", entry.kind))?;
        if let Some(target) = &entry.target {
            out.line(format!("  Target: {}", printable(target)))?;
        }
        out.line(format!("    Size: {} bytes ({})", entry.size, format_size(entry.size)))?;
        if let Some(allocated) = entry.allocated {
            out.line(format!(" Charged: {allocated} bytes"))?;
        }
        out.line(format!("   Inode: {}", entry.inode))?;
        out.line(format!("   Links: {}", entry.links))?;
        if let Some(mode) = &entry.mode {
            out.line(format!("    Mode: {mode}"))?;
        }
        out.line(format!("Modified: {}", entry.modified))?;
        out.line(format!("Accessed: {}", entry.accessed))?;
        out.line(format!(" Changed: {}", entry.changed))?;
    }
    out.finish()
}
