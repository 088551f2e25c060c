//! `larder ls`.

use anyhow::Result;
use clap::Args;
use larder_core::{Descriptor, FileType};
use larder_transfer::now;
use serde::Serialize;

use super::address::{AtPath, REMOTE_ADDRESS_HELP, for_each_path};
use super::guest::NatsArguments;
use crate::files::{Entry, RemoteTree, kind_of, list, open_directory};
use crate::output::{Output, printable, table};
use crate::volumes::{SaveMode, VolumeAddress, VolumePath};

const EXAMPLES: &str = "\
Examples:
  larder ls data.larder
  larder ls -l data.larder:/logs
  larder ls nats://127.0.0.1:4222/data/logs
  larder ls --json data.larder:/ | jq '.[].entries[].name'";

/// Lists directories of a volume
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{REMOTE_ADDRESS_HELP}"))]
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

    #[command(flatten)]
    nats: NatsArguments,

    /// What to list
    #[arg(value_name = "VOLUME[:/PATH]", required = true)]
    paths: Vec<VolumePath>,
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
    for paths in arguments.paths.chunk_by(|one, next| one.address == next.address) {
        if let Some(VolumePath { address: VolumeAddress::Nats(address), .. }) = paths.first() {
            let tree = RemoteTree::open(address, &arguments.nats.options())?;
            for path in paths {
                let entries = tree.entries(&path.path, arguments.directory).at_path(path)?;
                listings.push(Listing { path: path.absolute(), entries });
            }
            continue;
        }
        for_each_path(paths, SaveMode::Never, |root, path| {
            let entries = entries(root, path, arguments.directory)?;
            listings.push(Listing { path: path.absolute(), entries });
            Ok(())
        })?;
    }
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

fn entries(root: &Descriptor, path: &VolumePath, itself: bool) -> Result<Vec<Entry>> {
    if itself || kind_of(root, &path.path).at_path(path)? != Some(FileType::Directory) {
        return Ok(vec![Entry::read(root, &path.path).at_path(path)?]);
    }
    let directory = open_directory(root, now(), &path.path).at_path(path)?;
    list(&directory).at_path(path)?.iter().map(|name| Entry::read(&directory, name).at_path(path)).collect()
}
