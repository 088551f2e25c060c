//! `wasi:io/error`: why a stream failed.

use super::bindings::exports::wasi::filesystem::types::ErrorCode;
use super::bindings::exports::wasi::io::error::{Error as Handle, Guest, GuestError};
use super::bindings::exports::wasi::io::streams::StreamError;
use super::bindings::wasi::io::error::Error as HostError;
use super::bindings::wasi::io::streams::StreamError as HostStreamError;
use super::{Adapter, convert};

/// The error behind a handle.
pub(super) enum Error {
    /// Of a file's stream.
    File(larder_core::Error),
    /// Of a stream of the host.
    Host(HostError),
}

impl Error {
    /// The code, if it is a filesystem's.
    pub(super) fn filesystem_code(&self) -> Option<ErrorCode> {
        match self {
            Self::File(error) => Some(convert::error(error)),
            Self::Host(_) => None,
        }
    }
}

impl Guest for Adapter {
    type Error = Error;
}

impl GuestError for Error {
    fn to_debug_string(&self) -> String {
        match self {
            Self::File(error) => error.to_string(),
            Self::Host(error) => error.to_debug_string(),
        }
    }
}

/// The failure of a file's stream.
pub(super) fn failed(error: larder_core::Error) -> StreamError {
    StreamError::LastOperationFailed(Handle::new(Error::File(error)))
}

/// The failure of a host's stream.
pub(super) fn from_host(error: HostStreamError) -> StreamError {
    match error {
        HostStreamError::LastOperationFailed(error) => {
            StreamError::LastOperationFailed(Handle::new(Error::Host(error)))
        }
        HostStreamError::Closed => StreamError::Closed,
    }
}
