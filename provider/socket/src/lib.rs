//! The volumes of a running process over a Unix socket, for other processes of
//! the same host: [`Listening`] serves them, [`connect`] reaches one.
//!
//! What lives here: the socket's file, frames, and connections with their
//! bounds (`docs/protocol.md`, "Over a local socket"). What does not: sessions
//! and requests (larder-nats-server), and the store that asks
//! (larder-nats-client).
//!
//! Who may do what is decided by the permissions of the socket: they are those
//! of its owner alone. Where there are no Unix sockets nothing is served, and
//! nobody is found.
#![forbid(unsafe_code)]

#[cfg(unix)]
mod asking;
#[cfg(unix)]
mod connection;
#[cfg(unix)]
mod frame;
#[cfg(unix)]
mod listening;
#[cfg(unix)]
mod place;
#[cfg(not(unix))]
mod without;

use std::collections::BTreeMap;

use larder_nats_server::ServedVolume;

#[cfg(unix)]
pub use asking::{Connection, connect};
pub use larder_protocol::Access;
#[cfg(unix)]
pub use listening::{IDLE, Listening, MOST_CONNECTIONS, MOST_UNDER_WAY};
#[cfg(not(unix))]
pub use without::{Connection, Listening, connect};

/// The volumes that a process has.
#[derive(Clone, Debug, Default)]
pub struct Volumes {
    /// Those that the socket serves.
    pub served: Vec<ServedVolume>,
    /// The addresses of others, by their names: whoever asks for one is told.
    pub elsewhere: BTreeMap<String, String>,
}
