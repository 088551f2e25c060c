//! Multipart uploads: large objects, in parallel, with parts of others.

use std::ops::Range;
use std::time::SystemTime;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::client::Bucket;
use crate::error::BucketError;
use crate::metadata::Metadata;
use crate::object::{Condition, Etag};

/// The smallest part that is not the last, 5 MiB. S3 refuses a smaller one
/// when the upload is completed; this crate does not look.
pub const SMALLEST_PART: u64 = 5 << 20;

/// The largest part, 5 GiB.
pub const LARGEST_PART: u64 = 5 << 30;

/// The most parts of one upload, and the largest part number; the smallest
/// is 1.
pub const MOST_PARTS: u32 = 10_000;

/// A multipart upload in progress. It stays, and costs, until it is completed
/// or aborted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Upload {
    /// The key of the object to be.
    pub key: String,
    /// The server's id for it.
    pub id: String,
}

/// A part that the server has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its number, from 1: the parts' order in the object.
    pub number: u32,
    /// Its version.
    pub etag: Etag,
    /// Its length in bytes.
    pub size: u64,
    /// Its CRC-32, where it is known: of a part that was uploaded, and of a
    /// copied one whose server tells it. If all parts have one, the object's
    /// is verified when the upload is completed.
    #[serde(default)]
    pub crc32: Option<u32>,
}

impl Bucket {
    /// Begins an upload (CreateMultipartUpload). A retry may leave an upload
    /// behind that nobody knows; [`uploads`](Self::uploads) finds it.
    ///
    /// # Errors
    ///
    /// See [`BucketErrorKind`](crate::BucketErrorKind).
    pub async fn start_upload(&self, key: &str, metadata: &Metadata) -> Result<Upload, BucketError> {
        let _ = (key, metadata);
        Err(BucketError::invalid("not built yet".into()))
    }

    /// Uploads a part (UploadPart), with its CRC-32, which the server
    /// verifies. The same number again replaces it.
    ///
    /// # Errors
    ///
    /// [`NoSuchUpload`](crate::BucketErrorKind::NoSuchUpload): the upload is
    /// over.
    pub async fn upload_part(&self, upload: &Upload, number: u32, body: Bytes) -> Result<Part, BucketError> {
        let _ = (upload, number, body);
        Err(BucketError::invalid("not built yet".into()))
    }

    /// Makes a part of the bytes `range` of the version `from_etag` of
    /// `from`, inside the server (UploadPartCopy). The range may not be empty.
    ///
    /// # Errors
    ///
    /// - [`Conflict`](crate::BucketErrorKind::Conflict): `from` is another
    ///   version now.
    /// - [`NotFound`](crate::BucketErrorKind::NotFound): `from` is gone.
    /// - [`NoSuchUpload`](crate::BucketErrorKind::NoSuchUpload): the upload is
    ///   over.
    pub async fn copy_part(
        &self,
        upload: &Upload,
        number: u32,
        from: &str,
        from_etag: &Etag,
        range: Range<u64>,
    ) -> Result<Part, BucketError> {
        let _ = (upload, number, from, from_etag, range);
        Err(BucketError::invalid("not built yet".into()))
    }

    /// Makes the object of `parts`, in the order of their numbers
    /// (CompleteMultipartUpload).
    ///
    /// # Errors
    ///
    /// - [`Conflict`](crate::BucketErrorKind::Conflict): the condition does
    ///   not hold. The upload may have to be aborted.
    /// - [`NoSuchUpload`](crate::BucketErrorKind::NoSuchUpload): the upload is
    ///   over; with [`after_retry`](BucketError::after_retry), perhaps because
    ///   this call completed it.
    pub async fn complete_upload(
        &self,
        upload: &Upload,
        parts: &[Part],
        condition: &Condition,
    ) -> Result<Etag, BucketError> {
        let _ = (upload, parts, condition);
        Err(BucketError::invalid("not built yet".into()))
    }

    /// Gives an upload up (AbortMultipartUpload). One that is over is given up
    /// already.
    ///
    /// # Errors
    ///
    /// See [`BucketErrorKind`](crate::BucketErrorKind); not `NoSuchUpload`.
    pub async fn abort_upload(&self, upload: &Upload) -> Result<(), BucketError> {
        let _ = upload;
        Err(BucketError::invalid("not built yet".into()))
    }

    /// The uploads in progress whose keys begin with `prefix`, and when each
    /// began (ListMultipartUploads).
    ///
    /// # Errors
    ///
    /// See [`BucketErrorKind`](crate::BucketErrorKind).
    pub async fn uploads(&self, prefix: &str) -> Result<Vec<(Upload, SystemTime)>, BucketError> {
        let _ = prefix;
        Err(BucketError::invalid("not built yet".into()))
    }
}
