//! `larder ls`.

use anyhow::Result;
use clap::Args;
use larder_core::{ErrorCode, FileType, Follow};
use serde::Serialize;

use super::address::{ADDRESS_HELP, AtPath, for_each_path};
use super::reach::ReachArguments;
use crate::files::{Directory, Entry};
use crate::output::{Output, printable, table};
use crate::volumes::{SaveMode, VolumePath};

const EXAMPLES: &str = "\
Examples:
  larder ls data.larder
  larder ls -l data.larder:/logs
  larder ls nats://127.0.0.1:4222/data/logs
  larder ls -l spin:data:/logs
  larder ls --json data.larder:/ | jq '.[].entries[].name'";

/// Lists directories of a volume
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{ADDRESS_HELP}"))]
pub(crate) struct LsArguments {
    /// Shows type, permissions, links, size in bytes and time (UTC) of each entry
    #[arg(short, long)]
    long: bool,

    /// Shows a directory itself, not what is in it
    #[arg(short, long)]
    directory: bool,

    /// Prints JSON: a list with `path` and `entries` for each argument
    #[arg(long)]
    json: bool,

    /// What to list
    #[arg(value_name = "VOLUME[:/PATH]", required = true)]
    paths: Vec<VolumePath>,

    // Last, for its heading goes on to whatever follows.
    #[command(flatten)]
    reach: ReachArguments,
}

#[derive(Serialize)]
struct Listing {
    path: String,
    entries: Vec<Entry>,
}

/// Lists.
///
/// # Errors
/// When a volume or path is missing.
pub(crate) fn ls(arguments: &LsArguments) -> Result<()> {
    let mut listings = Vec::new();
    for_each_path(&arguments.paths, SaveMode::Never, &arguments.reach, |root, path| {
        let entries = entries(root, path, arguments.directory).at_path(path)?;
        listings.push(Listing { path: path.absolute(), entries });
        Ok(())
    })?;
    let mut out = Output::stdout();
    if arguments.json {
        out.json(&listings)?;
        return out.finish();
    }
    for (index, (listing, path)) in listings.iter().zip(&arguments.paths).enumerate() {
        if listings.len() > 1 {
            let gap = if index > 0 { "\n" } else { "" };
            out.line(format!("{gap}{}:", printable(&path.to_string())))?;
        }
        print(&mut out, &listing.entries, arguments.long)?;
    }
    out.finish()
}

fn print(out: &mut Output, entries: &[Entry], long: bool) -> Result<()> {
    if !long {
        return entries.iter().try_for_each(|entry| out.line(printable(&entry.name)));
    }
    let rows: Vec<Vec<String>> = entries.iter().map(Entry::columns).collect();
    table(&rows, &[false, true, true]).iter().try_for_each(|line| out.line(line))
}

fn entries(root: &Directory, path: &VolumePath, itself: bool) -> larder_core::Result<Vec<Entry>> {
    let path = path.path.as_str();
    if itself || root.kind(Follow::Yes, path)? != Some(FileType::Directory) {
        return Ok(vec![root.entry_at(path)?]);
    }
    let directory = root.enter(Follow::Yes, path)?;
    // What is gone since it was listed is not there.
    let is_there =
        |entry: &larder_core::Result<Entry>| !matches!(entry, Err(error) if error.code() == ErrorCode::NoEntry);
    directory.names()?.iter().map(|name| directory.entry(name)).filter(is_there).collect()
}
