//! The contract of a Spin trigger plugin, without Spin: plays `spin up` as it
//! was observed, for tests of `trigger-larder`.
//!
//! What lives here: an app ([`App`]) and the lock file that Spin makes of it, a
//! project's directory and the processes that `spin up` starts ([`Project`]),
//! what a test does with the plugin ([`Plugin`], [`Site`]), what the plugin
//! tells ([`collector`]), and components of a few lines ([`tiny`]). What does not: guests (`tests/guests`), and what the
//! plugin itself reads of a lock file (`spin-plugin/spin-app`).
//!
//! # What `spin up` does (4.0.2 and 4.1.0-pre0)
//!
//! It copies the files of each component to `WORK/assets/ID`, writes
//! `WORK/spin.lock`, and starts `spin trigger-larder`, which starts the plugin's
//! executable: with the arguments that `spin up` does not know itself, in the
//! current directory of the user, in one process group, and with the
//! environment of [`Up`]. Files are named by file URLs, percent-encoded. What a
//! user's signals come to is beside [`Plugin`].
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

pub mod app;
#[path = "../../e2e/src/built.rs"]
pub mod built;
pub mod collector;
pub mod http;
pub mod plugin;
pub mod project;
pub mod tiny;
pub mod up;

use std::time::Duration;

pub use app::{App, Component, Spin};
pub use http::{Response, Site};
pub use plugin::{Ended, Plugin};
pub use project::Project;
pub use up::{Stop, Up};

/// How long a test waits for anything. Compiling a guest for the first time is
/// part of it, on a machine that does other things as well.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Asks again until there is an answer.
///
/// # Panics
/// Where none comes within [`PATIENCE`].
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = std::time::Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
