//! Why a journal cannot be opened, or does not take what it is given.

use std::fmt;
use std::io;
use std::sync::Arc;

use larder_core::ErrorCode;

/// What calls answer with.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed. Cheap to clone, as one failed write fails everybody who
/// waited for it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// Another process, or another opener in this one, has the journal.
    Locked {
        /// The directory.
        place: String,
    },
    /// The journal is of another volume.
    Identity {
        /// The file or stream.
        place: String,
        /// The volume that was opened.
        expected: String,
        /// The volume whose journal it is.
        found: String,
    },
    /// The journal was written by a newer Larder.
    Version {
        /// The file or stream.
        place: String,
        /// Its version.
        found: u32,
    },
    /// What was written is not what is there now. Nothing behind it can be
    /// trusted to be the next.
    Damaged {
        /// The file or stream.
        place: String,
        /// In bytes from the file's start; a message's number in a stream.
        offset: u64,
        /// What is wrong there.
        reason: &'static str,
    },
    /// There is no place: the backend has to store records first.
    Full {
        /// Bytes that are kept or wait to be written, with those of the call.
        bytes: u64,
        /// The bound, in bytes.
        most: u64,
    },
    /// One record or group that is larger than any may be.
    TooLarge {
        /// Its bytes.
        bytes: u64,
        /// The bound, in bytes.
        most: u64,
    },
    /// The operating system refused.
    Io {
        /// What was tried, such as `write`.
        operation: &'static str,
        /// The file or directory.
        place: String,
        /// Why.
        error: Arc<io::Error>,
    },
    /// The NATS server cannot be reached, or did not do it.
    Server {
        /// What was tried, such as `publish to`.
        operation: &'static str,
        /// The stream.
        place: String,
        /// What it, or the network, says.
        reason: String,
    },
    /// Somebody else opened the journal since, and writes to it now.
    Superseded {
        /// The stream.
        place: String,
    },
    /// The journal takes nothing more: what became of earlier bytes is not
    /// known. Opening it again finds out.
    Broken {
        /// Why.
        cause: Arc<Self>,
    },
    /// The caller broke a rule of [`JournalStore`](crate::JournalStore).
    Invalid {
        /// The rule.
        reason: &'static str,
    },
}

impl Error {
    pub(crate) fn io(operation: &'static str, place: impl fmt::Display, error: io::Error) -> Self {
        Self::Io { operation, place: place.to_string(), error: Arc::new(error) }
    }

    /// Wrapped once, however often it is passed on.
    pub(crate) fn broken(self) -> Self {
        match self {
            Self::Broken { .. } => self,
            _ => Self::Broken { cause: Arc::new(self) },
        }
    }

    /// The WASI code for a guest whose operation fails with it.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Full { .. } => ErrorCode::InsufficientSpace,
            Self::TooLarge { .. } => ErrorCode::FileTooLarge,
            Self::Io { error, .. } => match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                    ErrorCode::InsufficientSpace
                }
                _ => ErrorCode::Io,
            },
            Self::Locked { .. } => ErrorCode::Busy,
            Self::Identity { .. }
            | Self::Version { .. }
            | Self::Damaged { .. }
            | Self::Server { .. }
            | Self::Superseded { .. }
            | Self::Broken { .. } => ErrorCode::Io,
            Self::Invalid { .. } => ErrorCode::Invalid,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked { place } => {
                write!(f, "the journal {place} is in use; wait for its user to end, or use another directory")
            }
            Self::Identity { place, expected, found } => write!(
                f,
                "{place} is the journal of {found}, not of {expected}; use another directory, or open that volume \
                 first, so that what it holds is stored"
            ),
            Self::Version { place, found } => {
                write!(f, "{place} was written by a newer Larder (version {found}); use that one")
            }
            Self::Damaged { place, offset, reason } => {
                write!(f, "the journal {place} is damaged at {offset}: {reason}")
            }
            Self::Full { bytes, most } => write!(
                f,
                "the journal is full: it would hold {bytes} bytes of {most}; wait until operations are stored"
            ),
            Self::TooLarge { bytes, most } => {
                write!(f, "one record of {bytes} bytes is too large for the journal, which takes {most}")
            }
            Self::Io { operation, place, error } => write!(f, "{operation} {place}: {error}"),
            Self::Server { operation, place, reason } => write!(f, "cannot {operation} {place}: {reason}"),
            Self::Superseded { place } => {
                write!(f, "somebody else opened the journal {place} since; a volume has one writer")
            }
            Self::Broken { cause } => {
                write!(f, "the journal takes nothing more since an earlier failure; open it again: {cause}")
            }
            Self::Invalid { reason } => f.write_str(reason),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            Self::Broken { cause } => Some(cause),
            _ => None,
        }
    }
}
