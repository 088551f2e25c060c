//! End-to-end tests of Larder: the behavioural suite through real guests, and
//! apps that nobody here wrote.
//!
//! What lives here: the forms of the suite that need a Wasm runtime
//! ([`puppet`]), and what the tests in `tests/` share: where guests and the
//! `larder` executable are, and volumes that are served or in a bucket. What does not: the suite's cases (`tests/suite`)
//! and the guests (`tests/guests`).
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

pub mod bucket;
pub mod built;
pub mod embedded;
pub mod puppet;
pub mod run;
pub mod served;
pub mod sqlite;
