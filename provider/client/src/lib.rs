//! A volume that is served over NATS, as a
//! [`Store`](larder_store_service::Store): [`NatsStore`] brings the calls to
//! the server, and [`Joined`] makes one store of several.
//!
//! What lives here: addresses, the connection with its deadlines and
//! repetitions, the session's lease, and reading ahead. What does not: the
//! messages (larder-protocol), descriptors and caching (larder-store-client),
//! and what a call means (larder-store-service).
#![forbid(unsafe_code)]

mod address;
mod ahead;
mod changes;
mod connection;
mod error;
mod joined;
mod later;
mod store;

pub use address::{Address, AddressError};
pub use changes::{Notice, Notices};
pub use connection::Options;
pub use error::ConnectError;
pub use joined::Joined;
pub use larder_protocol::Access;
pub use store::{NatsStore, VolumeUsage};
