//! Why a snapshot could not be written or read: what is wrong, at which byte,
//! and what to do about it.

use std::borrow::Cow;
use std::fmt;
use std::io;

use crate::{Error, ErrorKind};

/// An error of writing or reading a snapshot stream.
#[derive(Debug)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The stream does not begin with the magic of a snapshot.
    NotASnapshot,
    /// A newer Larder wrote it.
    UnsupportedVersion {
        /// The version in the stream.
        found: u32,
        /// The newest version that this build reads.
        supported: u32,
    },
    /// It uses features without which it would be understood wrongly.
    UnsupportedFeatures {
        /// The feature bits that this build does not know.
        unknown: u32,
    },
    /// The stream is damaged, cut short, or was not written by Larder.
    Corrupt {
        /// Where in the stream, in bytes from its start.
        offset: u64,
        /// What is wrong there.
        what: Cow<'static, str>,
    },
    /// The stream is sound, but the volume may not hold what is in it; or it
    /// holds a name that the format cannot.
    Limit(Error),
    /// Reading from or writing to the stream failed.
    Io(io::Error),
}

impl SnapshotError {
    pub(super) fn corrupt(offset: u64, what: impl Into<Cow<'static, str>>) -> Self {
        Self::Corrupt { offset, what: what.into() }
    }

    /// What thawing found, `offset` being the end of the stream.
    pub(super) fn from_thaw(error: Error, offset: u64) -> Self {
        if error.kind() == ErrorKind::OutOfSpace || error.code() == crate::ErrorCode::NameTooLong {
            Self::Limit(error)
        } else {
            Self::corrupt(offset, format!("the tree is inconsistent: {error}"))
        }
    }
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotASnapshot => f.write_str("not a Larder snapshot: choose a volume file that Larder wrote"),
            Self::UnsupportedVersion { found, supported } => write!(
                f,
                "snapshot format version {found} is newer than {supported}, the newest that this \
                 Larder reads: read it with a newer Larder"
            ),
            Self::UnsupportedFeatures { unknown } => write!(
                f,
                "the snapshot needs features that this Larder does not have (bits {unknown:#x}): \
                 read it with a newer Larder"
            ),
            Self::Corrupt { offset, what } => {
                write!(f, "the snapshot is damaged at byte {offset}: {what}; restore it from a copy")
            }
            Self::Limit(error) => {
                write!(f, "the snapshot does not fit the limits of the volume: {error}; raise the limit")
            }
            Self::Io(error) => write!(f, "input/output error: {error}"),
        }
    }
}

// The inner errors are part of the message, so they are not `source`s as well.
impl std::error::Error for SnapshotError {}

impl From<io::Error> for SnapshotError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
