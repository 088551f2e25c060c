//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::cases::Group;
use crate::contestant::Contestant;
use crate::sizes::Sizes;

/// Volumes in S3 beside s3fs, rclone mount, JuiceFS and plain requests, on one
/// SeaweedFS, and prints the ratios.
#[derive(Debug, Parser)]
#[command(
    name = "larder-bench-s3",
    after_help = "EXAMPLES:\n  tests/bench-s3 --quick\n  tests/bench-s3 --group small --only larder-async --only s3fs\n  tests/bench-s3 --group start --objects 1000000 --bound 3600 --repetitions 1 --only larder-through\n  tests/bench-s3 --json /tmp/s3.json"
)]
pub(crate) struct Arguments {
    /// Less of everything, once: to see that it works.
    #[arg(long)]
    quick: bool,
    /// Only this group of cases; may be given several times.
    #[arg(long, value_enum)]
    group: Vec<Group>,
    /// Only this contestant; may be given several times.
    #[arg(long, value_enum)]
    only: Vec<Contestant>,
    /// Repetitions of what is short.
    #[arg(long)]
    repetitions: Option<usize>,
    /// Objects of the tree that a start lists, in directories of 1,000; at
    /// least 1,000.
    #[arg(long)]
    objects: Option<usize>,
    /// Seconds that a contestant has for one cell of the table. What is not done
    /// by then is extrapolated from what is, and marked with `~`.
    #[arg(long)]
    bound: Option<u64>,
    /// Also writes all samples to this file.
    #[arg(long)]
    pub(crate) json: Option<PathBuf>,
    /// Also writes the table to this file.
    #[arg(long)]
    pub(crate) markdown: Option<PathBuf>,
    /// Do this part and print what it took: how the harness starts the process
    /// whose memory it measures.
    #[arg(long, hide = true)]
    pub(crate) part: Option<String>,
}

impl Arguments {
    pub(crate) fn groups(&self) -> Vec<Group> {
        let chosen = |group: &Group| self.group.is_empty() || self.group.contains(group);
        Group::ALL.into_iter().filter(chosen).collect()
    }

    pub(crate) fn contestants(&self) -> Vec<Contestant> {
        let chosen = |contestant: &Contestant| self.only.is_empty() || self.only.contains(contestant);
        Contestant::ALL.into_iter().filter(chosen).collect()
    }

    pub(crate) fn sizes(&self) -> Sizes {
        let mut sizes = if self.quick { Sizes::QUICK } else { Sizes::FULL };
        if let Some(repetitions) = self.repetitions {
            sizes.repetitions = repetitions.max(1);
        }
        if let Some(objects) = self.objects {
            sizes.tree_files = 1000;
            sizes.tree_directories = (objects / sizes.tree_files).max(1);
        }
        if let Some(seconds) = self.bound {
            sizes.bound = Duration::from_secs(seconds.max(1));
        }
        sizes
    }
}
