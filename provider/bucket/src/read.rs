//! Reading objects.

use std::ops::Range;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::types::ChecksumMode;
use bytes::Bytes;

use crate::body::Body;
use crate::client::{Bucket, fits};
use crate::counts::Operation;
use crate::error::BucketError;
use crate::failure::Failure;
use crate::metadata::from_headers;
use crate::object::{Etag, Object, quoted, timestamp, unquoted};
use crate::stream::GetStream;

impl Bucket {
    /// What the object is (HeadObject); `None`: there is none.
    ///
    /// # Errors
    ///
    /// See [`BucketErrorKind`](crate::BucketErrorKind); not `NotFound`, also
    /// where the bucket does not exist: S3 does not tell which it is.
    pub async fn head(&self, key: &str) -> Result<Option<Object>, BucketError> {
        fits(key)?;
        self.call(Operation::HeadObject, key, 0, || async {
            let request = self.0.client.head_object().bucket(self.name()).key(key);
            let head = match request.send().await.map_err(Failure::from) {
                Ok(head) => head,
                Err(failure) if failure.no_object() => return Ok(None),
                Err(failure) => return Err(failure),
            };
            Ok(Some(Object {
                etag: etag_of(head.e_tag())?,
                size: length_of(head.content_length())?,
                modified: timestamp(head.last_modified()),
                metadata: from_headers(head.metadata()),
            }))
        })
        .await
    }

    /// The bytes `range` of the version `etag` (GetObject): all of them. An
    /// empty range asks nobody.
    ///
    /// # Errors
    ///
    /// - [`Conflict`](crate::BucketErrorKind::Conflict): the object is another
    ///   version now.
    /// - [`NotFound`](crate::BucketErrorKind::NotFound): it is gone.
    /// - [`Corrupt`](crate::BucketErrorKind::Corrupt): each attempt had
    ///   another length.
    /// - [`Invalid`](crate::BucketErrorKind::Invalid): the range is not within
    ///   the object.
    pub async fn get(&self, key: &str, etag: &Etag, range: Range<u64>) -> Result<Bytes, BucketError> {
        fits(key)?;
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        self.call(Operation::GetObject, key, 0, || async { self.open(key, etag, range.clone()).await?.collect().await })
            .await
    }

    /// As [`get`](Self::get), as it arrives. An attempt that breaks off is
    /// continued where it ended. The first request is made here.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get), here and in
    /// [`GetStream::next`].
    pub async fn get_stream(&self, key: &str, etag: &Etag, range: Range<u64>) -> Result<GetStream, BucketError> {
        fits(key)?;
        GetStream::begin(self, key, etag, range).await
    }

    /// The whole object, whichever version it is, compared with its checksum
    /// where the server has one; `None`: there is none.
    ///
    /// # Errors
    ///
    /// - [`Corrupt`](crate::BucketErrorKind::Corrupt): the content does not
    ///   fit its checksum or length, in each attempt.
    /// - [`Invalid`](crate::BucketErrorKind::Invalid): it is larger than
    ///   `most` bytes; nothing is kept of it.
    pub async fn get_whole(&self, key: &str, most: u64) -> Result<Option<(Object, Bytes)>, BucketError> {
        fits(key)?;
        self.call(Operation::GetObject, key, 0, || async {
            let request = self.0.client.get_object().bucket(self.name()).key(key);
            let request = request.checksum_mode(ChecksumMode::Enabled);
            let got = match request.send().await.map_err(Failure::from) {
                Ok(got) => got,
                Err(failure) if failure.no_object() => return Ok(None),
                Err(failure) => return Err(failure),
            };
            let object = Object {
                etag: etag_of(got.e_tag())?,
                size: length_of(got.content_length())?,
                modified: timestamp(got.last_modified()),
                metadata: from_headers(got.metadata()),
            };
            if object.size > most {
                let text = format!("it has {} bytes; {most} at most are wanted", object.size);
                return Err(Failure::invalid(text));
            }
            let content = Body::new(self, got.body, object.size).collect().await?;
            Ok(Some((object, content)))
        })
        .await
    }

    /// Asks for a range of a version once; the body has its length.
    pub(crate) async fn open(&self, key: &str, etag: &Etag, range: Range<u64>) -> Result<Body, Failure> {
        let request = self.0.client.get_object().bucket(self.name()).key(key);
        let last = range.end.saturating_sub(1);
        let request = request.if_match(quoted(etag)).range(format!("bytes={}-{last}", range.start));
        let got = request.send().await?;
        let told = etag_of(got.e_tag())?;
        if told != *etag {
            return Err(Failure::changed(format!("it is version {told} now, not {etag}")));
        }
        let length = range.end.saturating_sub(range.start);
        let told = length_of(got.content_length())?;
        if told != length {
            return Err(not_the_range(&got, &range, told));
        }
        Ok(Body::new(self, got.body, length))
    }
}

/// Why the answer has another length than the range.
fn not_the_range(got: &GetObjectOutput, range: &Range<u64>, told: u64) -> Failure {
    let size = got.content_range().and_then(|range| range.rsplit('/').next()?.parse().ok());
    match size {
        Some(size) if range.end > size => {
            Failure::invalid(format!("the bytes {} to {} are not within its {size} bytes", range.start, range.end))
        }
        _ => Failure::corrupt(format!("the answer has {told} bytes, not the bytes {} to {}", range.start, range.end)),
    }
}

/// The etag of an answer, which has one.
pub(crate) fn etag_of(etag: Option<&str>) -> Result<Etag, Failure> {
    let missing = || Failure::broken("the answer has no ETag".to_owned());
    etag.filter(|etag| !etag.is_empty()).map(unquoted).ok_or_else(missing)
}

/// The length of an answer, which has one.
fn length_of(length: Option<i64>) -> Result<u64, Failure> {
    let length = length.and_then(|length| u64::try_from(length).ok());
    length.ok_or_else(|| Failure::broken("the answer has no Content-Length".to_owned()))
}
