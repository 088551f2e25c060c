//! What the suite needs of its volumes besides `wasi:filesystem`: their
//! statistics, and how long their paths are.

use larder_core::Usage;
use larder_suite::{Mount, Set};

use crate::imports::larder::fs::statistics::{self, Charges};

/// Bytes of the longest path, which depends on what the host has behind a
/// volume: `LONGEST_PATH` of the environment, or POSIX's `PATH_MAX`.
///
/// # Panics
/// Where the variable is no number.
#[must_use]
pub fn longest_path() -> usize {
    std::env::var("LONGEST_PATH").map_or(4096, |bytes| bytes.parse().expect("LONGEST_PATH is a number"))
}

/// What the first volume of the set is charged.
///
/// # Panics
/// Where it is not mounted.
pub fn usage(set: &Set) -> Usage {
    charged(statistics::usage(&set.mount_path(Mount::Main)))
}

/// As [`usage`], counted anew.
///
/// # Panics
/// Where it is not mounted.
pub fn recount(set: &Set) -> Usage {
    charged(statistics::recount(&set.mount_path(Mount::Main)))
}

fn charged(found: Option<Charges>) -> Usage {
    let Charges { bytes, inodes, open_handles, .. } = found.expect("a volume is mounted there");
    Usage { bytes, inodes, open_handles }
}
