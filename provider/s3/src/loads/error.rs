//! Why contents could not be loaded.

use std::fmt;

use larder_bucket::{BucketError, BucketErrorKind};
use larder_core::ErrorCode;

use crate::S3Error;
use crate::error::guest_code;

/// Why contents could not be loaded. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) enum LoadError {
    /// The bucket answered so, after all attempts.
    Bucket(BucketError),
    /// The bucket does not have this version of the file (any more).
    Gone,
    /// The volume was dropped, or its runtime ended.
    Stopped,
}

impl LoadError {
    /// What a guest is told.
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::Bucket(error) => guest_code(error.kind()),
            Self::Gone | Self::Stopped => ErrorCode::Io,
        }
    }

    /// Whether the object may be somewhere else by now.
    pub(super) fn may_have_moved(&self) -> bool {
        matches!(self, Self::Bucket(error)
            if matches!(error.kind(), BucketErrorKind::Conflict | BucketErrorKind::NotFound))
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bucket(error) => error.fmt(f),
            Self::Gone => f.write_str("the bucket does not have this version of the file any more"),
            Self::Stopped => f.write_str("the volume is closed"),
        }
    }
}

impl std::error::Error for LoadError {}

impl From<BucketError> for LoadError {
    fn from(error: BucketError) -> Self {
        Self::Bucket(error)
    }
}

impl From<LoadError> for larder_core::Error {
    fn from(error: LoadError) -> Self {
        Self::new(error.code(), "load")
    }
}

impl From<LoadError> for S3Error {
    fn from(error: LoadError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
