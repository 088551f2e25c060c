//! What the suite needs of its volumes besides `wasi:filesystem`: their
//! statistics, and the clock that stamps their changes.

use larder_core::{Timestamp, Usage};
use larder_suite::{Mount, Set};

use crate::imports::larder::fs::statistics::{self, Charges};
use crate::imports::larder::test::clock;

/// Sets the clock.
///
/// # Panics
/// With a time before 1970.
pub fn set_now(now: Timestamp) {
    clock::set(u64::try_from(now.seconds).expect("a time of 1970 or later"), now.nanoseconds);
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
