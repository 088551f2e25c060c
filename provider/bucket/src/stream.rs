//! A range of an object as it arrives.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout};

use crate::body::Body;
use crate::client::Bucket;
use crate::counts::Operation;
use crate::error::BucketError;
use crate::failure::Failure;
use crate::object::Etag;
use crate::retry::Attempts;

/// The slowest answer that is not given up: 16 KiB/s, after the first
/// `request_timeout`. Guards against a server that sends a byte now and then.
const SLOWEST: u64 = 16 << 10;

/// The answer of [`Bucket::get_stream`](crate::Bucket::get_stream).
pub struct GetStream {
    bucket: Bucket,
    key: String,
    etag: Etag,
    /// What is still to come.
    range: Range<u64>,
    attempts: Attempts,
    body: Option<Body>,
    /// How long this attempt's answer was waited for, and what it brought.
    waited: Duration,
    brought: u64,
    failed: bool,
}

impl GetStream {
    pub(crate) async fn begin(bucket: &Bucket, key: &str, etag: &Etag, range: Range<u64>) -> Result<Self, BucketError> {
        let mut stream = Self {
            bucket: bucket.clone(),
            key: key.to_owned(),
            etag: etag.clone(),
            range,
            attempts: Attempts::new(bucket, Operation::GetObject, key, false),
            body: None,
            waited: Duration::ZERO,
            brought: 0,
            failed: false,
        };
        while stream.body.is_none() && stream.remaining() > 0 {
            if let Err(failure) = stream.open().await {
                stream.attempts.failed(failure).await?;
            }
        }
        Ok(stream)
    }

    /// The next bytes, in whatever pieces they arrive, never empty. `None`
    /// after exactly the range's length, and after an error. Nothing is lost
    /// when the future is dropped.
    ///
    /// # Errors
    ///
    /// Those of [`Bucket::get`].
    pub async fn next(&mut self) -> Option<Result<Bytes, BucketError>> {
        while self.remaining() > 0 && !self.failed {
            let failure = match self.piece().await {
                Ok(bytes) => return Some(Ok(bytes)),
                Err(failure) => failure,
            };
            self.body = None;
            if let Err(error) = self.attempts.failed(failure).await {
                self.failed = true;
                return Some(Err(error));
            }
        }
        None
    }

    /// Bytes that are still to come.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.range.end.saturating_sub(self.range.start)
    }

    /// Begins an attempt.
    async fn open(&mut self) -> Result<(), Failure> {
        let open = self.bucket.open(&self.key, &self.etag, self.range.clone());
        self.body = Some(self.attempts.attempt(0, Box::pin(open)).await?);
        self.waited = Duration::ZERO;
        self.brought = 0;
        Ok(())
    }

    async fn piece(&mut self) -> Result<Bytes, Failure> {
        if self.body.is_none() {
            self.open().await?;
        }
        let Some(body) = &mut self.body else {
            return Err(Failure::broken("there is no answer".to_owned()));
        };
        let patience = self.bucket.0.options.request_timeout;
        let allowed = patience.saturating_add(Duration::from_secs(self.brought / SLOWEST));
        let limit = allowed.saturating_sub(self.waited).min(patience);
        let began = Instant::now();
        let silent = |_| Failure::broken(format!("nothing within {} ms", limit.as_millis()));
        let bytes = timeout(limit, body.next()).await.map_err(silent)??;
        self.waited = self.waited.saturating_add(began.elapsed());
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.brought = self.brought.saturating_add(length);
        self.range.start = self.range.start.saturating_add(length).min(self.range.end);
        Ok(bytes)
    }
}
