//! Writing, copying and deleting objects.

use aws_sdk_s3::types::MetadataDirective;
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::checksum;
use crate::client::{Bucket, fits};
use crate::counts::Operation;
use crate::error::{BucketError, BucketErrorKind};
use crate::failure::Failure;
use crate::metadata::{Metadata, to_headers};
use crate::object::{Condition, Etag, quoted};
use crate::read::etag_of;

/// The type of all content: bytes.
pub(crate) const CONTENT_TYPE: &str = "application/octet-stream";

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
        fits(key)?;
        let headers = to_headers(key, metadata)?;
        let crc32 = checksum::to_header(checksum::crc32(&body));
        let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
        self.call(Operation::PutObject, key, length, || async {
            let request = self.0.client.put_object().bucket(self.name()).key(key);
            let request = request
                .content_type(CONTENT_TYPE)
                .set_metadata(Some(headers.clone()))
                .set_if_match(condition.if_match())
                .set_if_none_match(condition.if_none_match())
                .checksum_crc32(&crc32)
                .body(body.clone().into())
                .customize();
            let request = match self.0.sign_payloads {
                true => request,
                false => request.disable_payload_signing(),
            };
            let done = request.send().await.map_err(|error| condition.failure(error.into()))?;
            etag_of(done.e_tag())
        })
        .await
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
        fits(from)?;
        fits(to)?;
        let headers = to_headers(to, metadata)?;
        let source = self.source(from);
        self.call(Operation::CopyObject, to, 0, || async {
            let request = self.0.client.copy_object().bucket(self.name()).key(to);
            let request = request
                .copy_source(&source)
                .copy_source_if_match(quoted(from_etag))
                .metadata_directive(MetadataDirective::Replace)
                .content_type(CONTENT_TYPE)
                .set_metadata(Some(headers.clone()))
                .set_if_match(condition.if_match())
                .set_if_none_match(condition.if_none_match());
            let done = request.send().await?;
            etag_of(done.copy_object_result().and_then(|result| result.e_tag()))
        })
        .await
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
        fits(key)?;
        if *condition == Condition::IfAbsent {
            return Err(BucketError::invalid(format!("{key:?} cannot be deleted if it is absent")));
        }
        self.call(Operation::DeleteObject, key, 0, || async {
            let request = self.0.client.delete_object().bucket(self.name()).key(key);
            let request = request.set_if_match(condition.if_match());
            match request.send().await.map_err(Failure::from) {
                Ok(_) => Ok(()),
                Err(failure) if failure.no_object() => Ok(()),
                Err(failure) => Err(failure),
            }
        })
        .await
    }

    /// An object of this bucket as the source of a copy.
    pub(crate) fn source(&self, key: &str) -> String {
        format!("{}/{}", self.name(), utf8_percent_encode(key, IN_SOURCE))
    }
}

/// What a copy's source has encoded: all but what a URL never encodes, and
/// the slash.
const IN_SOURCE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

impl Condition {
    /// A write's failure under this condition: that there is no object is a
    /// conflict where a version of it was expected.
    pub(crate) fn failure(&self, failure: Failure) -> Failure {
        match self {
            Self::IfMatch(_) if failure.no_object() => Failure { kind: BucketErrorKind::Conflict, ..failure },
            _ => failure,
        }
    }
}
