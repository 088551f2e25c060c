//! What goes wrong while contents are put together.

use std::fmt;

use larder_image::ImageError;
use larder_transfer::TransferError;

/// Why something cannot be carried.
#[derive(Debug)]
#[non_exhaustive]
pub enum ContentsError {
    /// Two mounts have the same guest path.
    MountedTwice(String),
    /// A guest path is in no mount.
    NoMount(String),
    /// A guest path is in a mount that nobody can write to.
    ReadOnly {
        /// The path.
        path: String,
        /// Where the mount is.
        mount: String,
    },
    /// Reading the host or an archive failed, or a limit was reached.
    Transfer(TransferError),
    /// The store refused.
    Store(larder_core::Error),
    /// The image can't be written.
    Image(ImageError),
}

impl fmt::Display for ContentsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MountedTwice(path) => {
                write!(f, "two mounts at {path}: give each a path of its own, or put the second below it")
            }
            Self::NoMount(path) => write!(f, "the guest would not see {path}: mount a volume there with --volume"),
            Self::ReadOnly { path, mount } => {
                write!(f, "{path} is in the read-only mount {mount}: give both in one directory, or leave `:ro` out")
            }
            Self::Transfer(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::Image(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ContentsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Transfer(error) => error.source(),
            Self::Store(error) => error.source(),
            Self::Image(error) => error.source(),
            _ => None,
        }
    }
}
