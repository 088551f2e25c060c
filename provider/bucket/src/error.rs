//! Why a call failed, and what to do about it.

use std::fmt;
use std::sync::Arc;

/// What a failure means for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BucketErrorKind {
    /// The bucket, or the object of a call that needs one, does not exist
    /// (404).
    NotFound,
    /// A condition does not hold, or another request is changing the object
    /// (412, 409; 404 where `If-Match` names a version of an object that is
    /// gone). Nothing was done, unless [`BucketError::after_retry`].
    Conflict,
    /// The credentials are missing or wrong, or may not do this (401, 403).
    Denied,
    /// The server wants fewer requests (429, 503 `SlowDown`). Nothing was done.
    Throttled,
    /// The server cannot be reached, did not answer in time, broke off, or
    /// failed (5xx). A write may have been done.
    Unavailable,
    /// The server has no room left, or a quota is used up (507, and codes of
    /// several servers).
    OutOfSpace,
    /// What arrived is not what was sent: a checksum or a length differs.
    Corrupt,
    /// The request can never work: a key that is too long, a range outside of
    /// the object, an option that makes no sense (400, 416 and the like).
    Invalid,
    /// The multipart upload does not exist: it was completed or aborted.
    NoSuchUpload,
}

/// A call that failed, after all its attempts. Cheap to clone.
#[derive(Clone)]
pub struct BucketError(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: BucketErrorKind,
    message: String,
    status: Option<u16>,
    code: Option<String>,
    after_retry: bool,
}

impl BucketError {
    pub(crate) fn new(
        kind: BucketErrorKind,
        message: String,
        status: Option<u16>,
        code: Option<String>,
        after_retry: bool,
    ) -> Self {
        Self(Arc::new(Inner { kind, message, status, code, after_retry }))
    }

    /// An error of the caller, told without asking the server.
    pub(crate) fn invalid(message: String) -> Self {
        Self::new(BucketErrorKind::Invalid, message, None, None, false)
    }

    /// What it means.
    #[must_use]
    pub fn kind(&self) -> BucketErrorKind {
        self.0.kind
    }

    /// The HTTP status of the last attempt; `None` without an answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// S3's code for the last attempt's failure, such as `SlowDown`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// Whether an earlier attempt of this call may have been carried out: it
    /// was sent and its outcome is not known (a time-out, a reset, a 5xx). A
    /// [`Conflict`](BucketErrorKind::Conflict) or
    /// [`NoSuchUpload`](BucketErrorKind::NoSuchUpload) may then be due to the
    /// call's own success. The last attempt's own outcome is told by the kind:
    /// after [`Unavailable`](BucketErrorKind::Unavailable) a write may have
    /// been done.
    #[must_use]
    pub fn after_retry(&self) -> bool {
        self.0.after_retry
    }
}

impl fmt::Display for BucketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for BucketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for BucketError {}
