//! Reading objects.

use std::ops::Range;

use bytes::Bytes;

use crate::client::Bucket;
use crate::error::BucketError;
use crate::object::{Etag, Object};
use crate::stream::GetStream;

impl Bucket {
    /// What the object is (HeadObject); `None`: there is none.
    ///
    /// # Errors
    ///
    /// See [`BucketErrorKind`](crate::BucketErrorKind); not `NotFound`, also
    /// where the bucket does not exist: S3 does not tell which it is.
    pub async fn head(&self, key: &str) -> Result<Option<Object>, BucketError> {
        let _ = key;
        Err(BucketError::invalid("not built yet".into()))
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
        let _ = (key, etag, range);
        Err(BucketError::invalid("not built yet".into()))
    }

    /// As [`get`](Self::get), as it arrives. An attempt that breaks off is
    /// continued where it ended. The first request is made here.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get), here and in
    /// [`GetStream::next`].
    pub async fn get_stream(&self, key: &str, etag: &Etag, range: Range<u64>) -> Result<GetStream, BucketError> {
        let _ = (key, etag, range);
        Err(BucketError::invalid("not built yet".into()))
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
        let _ = (key, most);
        Err(BucketError::invalid("not built yet".into()))
    }
}
