//! Why a volume could not be opened, or closed in peace.

use std::fmt;

use larder_bucket::{BucketError, BucketErrorKind};
use larder_core::ErrorCode;

/// A sentence for the operator: what was wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Error {
    message: String,
    code: ErrorCode,
    /// What the bucket's failure meant, where it was one.
    kind: Option<BucketErrorKind>,
}

impl S3Error {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { message: message.into(), code, kind: None }
    }

    /// What a guest is told.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// What the bucket's failure meant, where it was one.
    pub(crate) const fn bucket_kind(&self) -> Option<BucketErrorKind> {
        self.kind
    }

    /// With what was being done, before it.
    pub(crate) fn during(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }
}

impl fmt::Display for S3Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for S3Error {}

/// What a guest is told of a request that failed.
pub(crate) fn guest_code(kind: BucketErrorKind) -> ErrorCode {
    match kind {
        BucketErrorKind::Denied => ErrorCode::Access,
        BucketErrorKind::OutOfSpace => ErrorCode::InsufficientSpace,
        _ => ErrorCode::Io,
    }
}

impl From<BucketError> for S3Error {
    fn from(error: BucketError) -> Self {
        let kind = Some(error.kind());
        Self { kind, ..Self::new(guest_code(error.kind()), error.to_string()) }
    }
}

impl From<larder_core::Error> for S3Error {
    fn from(error: larder_core::Error) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
