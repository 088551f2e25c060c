//! How many requests were made, by kind.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A kind of request, named as in the S3 API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the S3 API's names")]
pub enum Operation {
    HeadObject,
    GetObject,
    PutObject,
    CopyObject,
    DeleteObject,
    ListObjectsV2,
    CreateMultipartUpload,
    UploadPart,
    UploadPartCopy,
    CompleteMultipartUpload,
    AbortMultipartUpload,
    ListMultipartUploads,
}

impl Operation {
    /// All of them, in the order of [`RequestCounts::by_operation`].
    pub const ALL: [Self; 12] = [
        Self::HeadObject,
        Self::GetObject,
        Self::PutObject,
        Self::CopyObject,
        Self::DeleteObject,
        Self::ListObjectsV2,
        Self::CreateMultipartUpload,
        Self::UploadPart,
        Self::UploadPartCopy,
        Self::CompleteMultipartUpload,
        Self::AbortMultipartUpload,
        Self::ListMultipartUploads,
    ];

    /// The S3 API's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::HeadObject => "HeadObject",
            Self::GetObject => "GetObject",
            Self::PutObject => "PutObject",
            Self::CopyObject => "CopyObject",
            Self::DeleteObject => "DeleteObject",
            Self::ListObjectsV2 => "ListObjectsV2",
            Self::CreateMultipartUpload => "CreateMultipartUpload",
            Self::UploadPart => "UploadPart",
            Self::UploadPartCopy => "UploadPartCopy",
            Self::CompleteMultipartUpload => "CompleteMultipartUpload",
            Self::AbortMultipartUpload => "AbortMultipartUpload",
            Self::ListMultipartUploads => "ListMultipartUploads",
        }
    }
}

/// What was asked of the bucket since it was connected; grows only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestCounts {
    /// Requests that were sent, each attempt counted, by operation.
    pub by_operation: [(Operation, u64); 12],
    /// Attempts that failed, conditions that did not hold and objects that do
    /// not exist included.
    pub errors: u64,
    /// Attempts after a call's first.
    pub retries: u64,
    /// Bytes of content sent, each attempt counted, headers not.
    pub bytes_up: u64,
    /// Bytes of content received, headers not.
    pub bytes_down: u64,
}

impl RequestCounts {
    /// All requests together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_operation.iter().map(|(_, count)| count).sum()
    }

    /// The requests of one kind.
    #[must_use]
    pub fn of(&self, operation: Operation) -> u64 {
        let found = self.by_operation.iter().find(|(of, _)| *of == operation);
        found.map_or(0, |(_, count)| *count)
    }
}

/// The counters behind [`RequestCounts`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    by_operation: [AtomicU64; 12],
    errors: AtomicU64,
    retries: AtomicU64,
    bytes_up: AtomicU64,
    bytes_down: AtomicU64,
}

impl Counters {
    /// One attempt is made; `again`: not the call's first.
    pub(crate) fn sent(&self, operation: Operation, again: bool, bytes: u64) {
        for (of, count) in Operation::ALL.iter().zip(&self.by_operation) {
            if *of == operation {
                count.fetch_add(1, Relaxed);
            }
        }
        self.retries.fetch_add(u64::from(again), Relaxed);
        self.bytes_up.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn failed(&self) {
        self.errors.fetch_add(1, Relaxed);
    }

    pub(crate) fn received(&self, bytes: u64) {
        self.bytes_down.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn read(&self) -> RequestCounts {
        let mut by_operation = Operation::ALL.map(|operation| (operation, 0));
        for (entry, count) in by_operation.iter_mut().zip(&self.by_operation) {
            entry.1 = count.load(Relaxed);
        }
        RequestCounts {
            by_operation,
            errors: self.errors.load(Relaxed),
            retries: self.retries.load(Relaxed),
            bytes_up: self.bytes_up.load(Relaxed),
            bytes_down: self.bytes_down.load(Relaxed),
        }
    }
}
