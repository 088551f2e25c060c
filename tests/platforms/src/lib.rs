//! The behavioural suite inside composed components, on runtimes that are not
//! ours: Wasmtime's own command, Node and Chromium through `jco`, wasmCloud's
//! `wash`. The guest (`tests/guests/suite-guest`) runs a case in each instance;
//! what lives here composes it ([`Composed`]) and drives the runtimes.
//!
//! What does not live here: the cases (`tests/suite`), the guests, and the
//! runtimes, which `tests/tools` installs. Nothing is skipped where one is
//! missing: a test that does not run would look like one that passes.

mod built;
mod clock;
mod composed;
mod javascript;
mod requests;
mod wash;
mod wasmtime;

pub use built::{guest, tool, work};
pub use composed::{Composed, Flavour, Way};
pub use javascript::{chromium, jco_run, node};
pub use requests::{Answer, check, random_programs, suite, suite_once};
pub use wash::wash;
pub use wasmtime::wasmtime;
