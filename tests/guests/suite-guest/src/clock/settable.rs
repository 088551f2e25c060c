//! The clock that stamps changes, where it can be set.

use larder_core::Timestamp;
use larder_suite::{Form, Stat};

use crate::imports::larder::test::clock;

/// See `larder_suite::Form::DAYS_PASS`.
pub const DAYS_PASS: bool = true;

/// Sets the clock.
///
/// # Panics
/// With a time before 1970.
pub fn set_now(now: Timestamp) {
    clock::set(u64::try_from(now.seconds).expect("a time of 1970 or later"), now.nanoseconds);
}

/// The volumes were made at the suite's first time.
pub const fn begin<F: Form>(_: &F) {}

/// Times are those that the clock had.
#[must_use]
pub const fn shown(stat: Stat) -> Stat {
    stat
}
