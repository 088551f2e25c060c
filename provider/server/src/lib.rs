//! Serves volumes over NATS.
//!
//! What lives here: [`Server`], which answers the requests of
//! `docs/protocol.md` on the subjects of each volume, the sessions of its
//! callers, and [`VolumeSettings`] and [`Serving`], by which a process says
//! which volumes it has and when they are saved. What does not: the messages (larder-protocol), carrying out a call
//! (larder-store-service), and the connection to NATS, which is the process's
//! own.
//!
//! Who may do what is decided by NATS: a session that was begun on a volume's
//! `read` subject only ever reads, and its requests count on no other subject.
#![forbid(unsafe_code)]

mod answer;
mod asker;
mod feed;
mod local;
mod queue;
mod requests;
mod server;
mod serving;
mod sessions;
mod settings;
mod volume;

pub use local::{LocalServer, LocalVolume, ProcessServer};
pub use queue::MOST_QUEUED;
pub use server::{DEFAULT_LEASE, MOST_IN_PROGRESS, MOST_SESSIONS, MOST_WAITING_BYTES, SERVICE, Server, ServerOptions};
pub use serving::Serving;
pub use settings::{OpenVolume, VolumeSettings};
pub use volume::ServedVolume;
