//! Writing, copying and deleting objects.

use bytes::Bytes;

use crate::client::Bucket;
use crate::error::BucketError;
use crate::metadata::Metadata;
use crate::object::{Condition, Etag};

impl Bucket {
    /// Writes an object (PutObject). Its CRC-32 goes with it, and the server
    /// refuses a body that does not fit. 5 GiB at most.
    ///
    /// # Errors
    ///
    /// [`Conflict`](crate::BucketErrorKind::Conflict): the condition does not
    /// hold, or another writer is at it, or, with
    /// [`after_retry`](BucketError::after_retry), perhaps this call itself
    /// changed the object.
    pub async fn put(
        &self,
        key: &str,
        body: Bytes,
        metadata: &Metadata,
        condition: &Condition,
    ) -> Result<Etag, BucketError> {
        let _ = (key, body, metadata, condition);
        Err(BucketError::invalid("not built yet".into()))
    }

    /// Copies the version `from_etag` of `from` to `to` inside the server
    /// (CopyObject), with `metadata` instead of its own. `condition` is about
    /// `to`. 5 GiB at most. `from` may be `to`, to change its metadata.
    ///
    /// # Errors
    ///
    /// - [`Conflict`](crate::BucketErrorKind::Conflict): `from` is another
    ///   version now, or `condition` does not hold; S3 does not tell which.
    /// - [`NotFound`](crate::BucketErrorKind::NotFound): `from` is gone.
    pub async fn copy(
        &self,
        from: &str,
        from_etag: &Etag,
        to: &str,
        metadata: &Metadata,
        condition: &Condition,
    ) -> Result<Etag, BucketError> {
        let _ = (from, from_etag, to, metadata, condition);
        Err(BucketError::invalid("not built yet".into()))
    }

    /// Deletes an object (DeleteObject). One that does not exist is deleted
    /// already.
    ///
    /// # Errors
    ///
    /// - [`Conflict`](crate::BucketErrorKind::Conflict): the condition does
    ///   not hold.
    /// - [`Invalid`](crate::BucketErrorKind::Invalid): `IfAbsent`, which makes
    ///   no sense.
    pub async fn delete(&self, key: &str, condition: &Condition) -> Result<(), BucketError> {
        let _ = (key, condition);
        Err(BucketError::invalid("not built yet".into()))
    }
}
