//! The bucket and its connection.

use std::sync::Arc;

use aws_sdk_s3::Client;

use crate::counts::{Counters, RequestCounts};
use crate::error::BucketError;
use crate::options::BucketOptions;

/// A bucket. Clones share connections and counters.
///
/// Connections live on the runtime that a call runs on; use one bucket from
/// one runtime.
#[derive(Clone)]
pub struct Bucket(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) client: Client,
    pub(crate) options: BucketOptions,
    pub(crate) counters: Counters,
}

impl Bucket {
    /// Takes the configuration together. Contacts nobody: what is wrong with
    /// the bucket, the endpoint or the credentials shows with
    /// [`check`](Self::check).
    ///
    /// # Errors
    ///
    /// [`Invalid`](crate::BucketErrorKind::Invalid): an option makes no sense,
    /// or a file that one names cannot be read.
    pub async fn connect(options: BucketOptions) -> Result<Self, BucketError> {
        let _ = options;
        Err(BucketError::invalid("not built yet".into()))
    }

    /// Whether the bucket is there and the keys that begin with `prefix` may
    /// be listed (a ListObjectsV2 of one key, whose errors say more than
    /// HeadBucket's, which have no body).
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::BucketErrorKind::NotFound),
    /// [`Denied`](crate::BucketErrorKind::Denied) and
    /// [`Unavailable`](crate::BucketErrorKind::Unavailable), with a message for
    /// whoever configured it.
    pub async fn check(&self, prefix: &str) -> Result<(), BucketError> {
        let _ = prefix;
        Err(BucketError::invalid("not built yet".into()))
    }

    /// What was asked of the bucket so far.
    #[must_use]
    pub fn requests(&self) -> RequestCounts {
        self.0.counters.read()
    }

    /// The bucket's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.options.bucket
    }
}
