//! Why a transfer stopped: where, what was attempted, and what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use larder_core::{ErrorKind, SnapshotError};

/// An error that ends a transfer. What was copied before it stays where it is.
#[derive(Debug)]
#[non_exhaustive]
pub enum TransferError {
    /// The operating system refused something.
    Host {
        /// What was attempted, such as `create`.
        action: &'static str,
        /// The path on the host.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The volume refused something.
    Volume {
        /// The path in the volume, from the root of the view.
        path: String,
        /// Why.
        error: larder_core::Error,
    },
    /// A snapshot file could not be written or read.
    Snapshot {
        /// The file.
        path: PathBuf,
        /// Why.
        error: SnapshotError,
    },
    /// A tar stream is damaged, cut short, or none.
    Archive {
        /// Where in the stream, in bytes from its start.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// A tar stream could not be read or written.
    Stream {
        /// `read` or `write`.
        action: &'static str,
        /// Where in the stream, in bytes from its start.
        offset: u64,
        /// Why.
        error: io::Error,
    },
}

impl TransferError {
    pub(crate) fn host(action: &'static str, path: impl AsRef<Path>, error: io::Error) -> Self {
        Self::Host { action, path: path.as_ref().to_owned(), error }
    }

    pub(crate) fn volume(path: impl Into<String>, error: larder_core::Error) -> Self {
        Self::Volume { path: path.into(), error }
    }
}

impl fmt::Display for TransferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host { action, path, error } => write!(f, "cannot {action} {}: {error}", path.display()),
            Self::Volume { path, error } => {
                write!(f, "in the volume, at {path:?}: {error}")?;
                match error.kind() {
                    ErrorKind::OutOfSpace => f.write_str("; raise the limit of the volume"),
                    _ => Ok(()),
                }
            }
            Self::Snapshot { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Archive { offset, what } => write!(f, "the tar stream is damaged at byte {offset}: {what}"),
            Self::Stream { action, offset, error } => {
                write!(f, "cannot {action} the tar stream at byte {offset}: {error}")
            }
        }
    }
}

// The inner errors are part of the message, so they are not `source`s as well.
impl std::error::Error for TransferError {}
