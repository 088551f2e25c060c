//! Descriptors over `larder:fs/store`: a [`Client`] keeps no files, and answers
//! a guest as larder-core would, with as few calls as it can.
//!
//! What is cached, what is deferred, and where an error is then reported is
//! written in `docs/forwarding.md`.
//!
//! What lives here: caching, write-behind, and the order of calls. What does
//! not: paths, rights and limits (whoever serves the store decides them), the
//! guest's ABI, and transports (each is a [`Store`]).
#![forbid(unsafe_code)]

mod client;
mod content;
mod file;
mod names;
mod state;

pub use client::{Client, Options};
pub use file::File;
pub use larder_store_service::Store;
