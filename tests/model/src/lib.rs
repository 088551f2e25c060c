//! What Larder's core is checked against: a reference model of the operation
//! set that is simple enough to be read and believed, generators of random
//! operations, a naive path resolver, and a checker of concurrent histories.
//!
//! The tests are in `tests/`; schedules of the locks are explored by the
//! separate crate in `schedules/`, since its cargo feature would replace the
//! locks of everybody else in the workspace.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test oracle fails by panicking, and the numbers are the test's own"
)]

pub mod compare;
pub mod generate;
pub mod history;
pub mod model;
pub mod paths;
pub mod run;

/// The number of cases that `variable` asks for, or `default`.
#[must_use]
pub fn cases(variable: &str, default: u32) -> u32 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
