//! Why a volume cannot be reached.

use std::fmt;

use larder_core::ErrorCode;

/// Why [`NatsStore::connect`](crate::NatsStore::connect) failed. Each variant
/// names what to look at; none contains a password.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The NATS server cannot be reached.
    Unreachable {
        /// Its address.
        server: String,
        /// What the network says.
        reason: String,
    },
    /// The NATS server does not accept the credentials.
    Refused {
        /// Its address.
        server: String,
    },
    /// A file with credentials or certificates cannot be used, or nothing is
    /// left to run the connection on.
    Setup(String),
    /// Nobody serves the volume there.
    NotServed {
        /// The volume's address.
        address: String,
    },
    /// NATS's permissions do not let these credentials use the volume.
    NotPermitted {
        /// The volume's address.
        address: String,
        /// What the server says.
        reason: String,
    },
    /// The volume is served, but no answer came in time.
    Silent {
        /// The volume's address.
        address: String,
    },
    /// The server of the volume refuses the session.
    Declined {
        /// The volume's address.
        address: String,
        /// What the server says.
        reason: String,
    },
    /// The directory cannot be seen.
    Directory {
        /// The volume's address.
        address: String,
        /// Why.
        code: ErrorCode,
    },
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { server, reason } => write!(f, "the NATS server {server} cannot be reached: {reason}"),
            Self::Refused { server } => write!(f, "the NATS server {server} does not accept the credentials"),
            Self::Setup(reason) => f.write_str(reason),
            Self::NotServed { address } => {
                write!(f, "nobody serves the volume {address}: is larder-provider running, with a volume of that name?")
            }
            Self::NotPermitted { address, reason } => {
                write!(f, "the credentials do not permit to use the volume {address}: {reason}")
            }
            Self::Silent { address } => write!(f, "the server of the volume {address} does not answer"),
            Self::Declined { address, reason } => write!(f, "the server of the volume {address} refuses: {reason}"),
            Self::Directory { address, code } => write!(f, "{address} cannot be opened: {}", code.wasi_name()),
        }
    }
}

impl std::error::Error for ConnectError {}
