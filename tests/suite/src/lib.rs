//! The behavioural suite of Larder: what a guest sees of a volume, as named
//! cases over a small trait ([`Form`]). Every form and every backend runs the
//! same cases, so that they differ in nothing that a guest could notice.
//!
//! A form runs it with [`suite!`], which makes one `#[test]` of each case:
//!
//! ```ignore
//! larder_suite::suite!(MyForm);
//! ```
//!
//! What lives here: the cases, one file by subject, random programs
//! ([`random`](fn@random)), and the form of the core itself ([`InProcess`]). What does not: other forms (they live beside what
//! they need, such as a Wasm runtime), and tests of one layer's inside.
//! `docs/SEMANTICS.md` says in words what the cases check; a test compares the
//! two lists.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a case fails by panicking"
)]

mod cases;
mod form;
mod guest;
mod in_process;
mod list;
mod random;
mod sets;
mod volumes;

pub use form::{Entry, EntryType, Form, Mount, Result, Stat, Times};
pub use guest::{Guest, Listing, Node, START};
pub use in_process::{Backend, InProcess, Memory};
pub use list::{Case, cases, run};
pub use random::random;
pub use sets::{Set, begin_with_turn, every_set, next_set, sets_of};
pub use volumes::Volumes;
