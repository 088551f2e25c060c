//! Tests of the `larder` command: the built program, run as users run it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing test may panic"
)]

mod compose;
mod copies;
mod errors;
mod files;
mod locks;
mod plugin;
mod remote;
mod run;
mod s3;
mod serve;
mod served;
mod signals;
mod spin;
mod support;
mod up;
