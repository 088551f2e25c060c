//! A volume that is served, over NATS or another [`Transport`], as a
//! [`Store`](larder_store_service::Store): [`ServedStore`] brings the calls to
//! the server, and [`Joined`] makes one store of several.
//!
//! What lives here: addresses, the connection with its deadlines and
//! repetitions, the session's lease, and reading ahead. What does not: the
//! messages (larder-protocol), transports other than NATS (larder-socket),
//! descriptors and caching (larder-store-client), and what a call means
//! (larder-store-service).
#![forbid(unsafe_code)]

mod address;
mod ahead;
mod changes;
mod connection;
mod error;
mod joined;
mod later;
mod nats;
mod store;
mod transport;

pub use address::{Address, AddressError};
pub use changes::{Notice, Notices};
pub use connection::Options;
pub use error::ConnectError;
pub use joined::Joined;
pub use larder_protocol::{Access, is_volume_name};
pub use store::{ServedStore, VolumeUsage};
pub use transport::{Answering, Transport, Unsent};

/// A store whose volume is served over NATS.
pub type NatsStore = ServedStore;
