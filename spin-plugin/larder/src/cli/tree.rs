//! `larder tree`.

use anyhow::Result;
use clap::Args;
use larder_core::Follow;
use serde::Serialize;

use super::address::{ADDRESS_HELP, AtPath, for_each_path};
use super::reach::ReachArguments;
use crate::files::{Directory, Entry, Visit, walk};
use crate::output::{Output, printable};
use crate::volumes::{SaveMode, VolumePath};

const EXAMPLES: &str = "\
Examples:
  larder tree data.larder
  larder tree --depth 2 data.larder:/site
  larder tree nats://127.0.0.1:4222/data/site
  larder tree --json data.larder:/ | jq -r '.[] | select(.type == \"file\") | .path'";

/// Shows a directory of a volume with all below it
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{ADDRESS_HELP}"))]
pub(crate) struct TreeArguments {
    /// Shows at most so many levels
    #[arg(short = 'L', long, value_name = "LEVELS", default_value_t = usize::MAX, hide_default_value = true)]
    depth: usize,

    /// Prints a flat JSON list of everything with its path
    #[arg(long)]
    json: bool,

    /// The directory
    #[arg(value_name = "VOLUME[:/PATH]")]
    path: VolumePath,

    // Last, for its heading goes on to whatever follows.
    #[command(flatten)]
    reach: ReachArguments,
}

#[derive(Serialize)]
struct Node {
    path: String,
    depth: usize,
    #[serde(flatten)]
    entry: Entry,
}

/// Shows the tree.
///
/// # Errors
/// When the volume or the path is missing, or is no directory.
pub(crate) fn tree(arguments: &TreeArguments) -> Result<()> {
    let paths = std::slice::from_ref(&arguments.path);
    for_each_path(paths, SaveMode::Never, &arguments.reach, |root, path| {
        let top = root.enter(Follow::Yes, &path.path).at_path(path)?;
        show(arguments, path, &top)
    })
}

fn show(arguments: &TreeArguments, path: &VolumePath, top: &Directory) -> Result<()> {
    let mut out = Output::stdout();
    if arguments.json {
        let mut nodes = Vec::new();
        let prefix = path.absolute();
        walk(top, arguments.depth, |visit| {
            nodes.push(Node {
                path: format!("{}/{}", prefix.trim_end_matches('/'), visit.path),
                depth: visit.depth,
                entry: visit.entry.clone(),
            });
            Ok(())
        })?;
        out.json(&nodes)?;
        return out.finish();
    }
    let (mut directories, mut others) = (0_u64, 0_u64);
    out.line(printable(&path.to_string()))?;
    walk(top, arguments.depth, |visit| {
        if visit.entry.kind == "directory" {
            directories += 1;
        } else {
            others += 1;
        }
        out.line(line(&visit))
    })?;
    out.line(format!("\n{directories} directories, {others} files"))?;
    out.finish()
}

fn line(visit: &Visit<'_>) -> String {
    let mut line = String::new();
    if let Some((own, above)) = visit.last.split_last() {
        for last in above {
            line.push_str(if *last { "    " } else { "│   " });
        }
        line.push_str(if *own { "└── " } else { "├── " });
    }
    line + &visit.entry.label()
}
