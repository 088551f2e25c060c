//! The store as value-typed calls: [`Store`] is `larder:fs/store` of
//! `wit/larder-fs/store.wit` in Rust, and a [`Session`] of a [`Service`]
//! carries it out on the views of larder-core.
//!
//! What lives here: the calls, the nodes that a session holds, and the memory
//! of changes that are already done. What does not: transports (each form
//! translates its own messages to [`Store`]), and paths, rights and limits,
//! which are larder-core's.
#![forbid(unsafe_code)]

mod held;
mod protocol;
mod replies;
mod service;
mod session;

pub use held::MOST_NODES;
pub use protocol::*;
pub use replies::REMEMBERED_CHANGES;
pub use service::{Clock, Service};
pub use session::Session;
