//! The attempts of a call: when to try again, and for how long.
//!
//! The SDK's own retries are off. It would not tell what it repeated, and a
//! condition that fails after a repetition may have failed because of the
//! first attempt's success.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::client::Bucket;
use crate::counts::Operation;
use crate::error::BucketError;
use crate::failure::{Failure, advice};

/// The longest pause between two attempts that this crate chooses: 5 seconds.
/// Guards against noticing late that the server is back.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The longest pause that a server may ask for: 20 seconds. Guards against a
/// server that stops us for good.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(20);

/// One call and its attempts.
pub(crate) struct Attempts {
    bucket: Bucket,
    operation: Operation,
    key: String,
    /// When the call has to be over; a stream has none as a whole.
    deadline: Option<Instant>,
    made: u32,
    pause: Duration,
    perhaps_done: bool,
}

impl Attempts {
    pub(crate) fn new(bucket: &Bucket, operation: Operation, key: &str, bounded: bool) -> Self {
        let options = &bucket.0.options;
        let whole = options.request_timeout.saturating_mul(options.attempts);
        let deadline = if bounded { Instant::now().checked_add(whole) } else { None };
        Self {
            bucket: bucket.clone(),
            operation,
            key: key.to_owned(),
            deadline,
            made: 0,
            pause: options.first_pause,
            perhaps_done: false,
        }
    }

    /// Makes one attempt, within its time. `bytes` go up with it.
    pub(crate) async fn attempt<T>(
        &mut self,
        bytes: u64,
        attempt: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        self.bucket.0.counters.sent(self.operation, self.made > 0, bytes);
        self.made += 1;
        let limit = self.bucket.0.options.request_timeout.min(self.left());
        let silent = |_| Failure::broken(format!("no answer within {} ms", limit.as_millis()));
        timeout(limit, attempt).await.map_err(silent)?
    }

    /// After a failed attempt: waits before the next one, or ends the call.
    pub(crate) async fn failed(&mut self, failure: Failure) -> Result<(), BucketError> {
        self.bucket.0.counters.failed();
        tracing::debug!(
            operation = self.operation.name(),
            key = self.key,
            attempt = self.made,
            ?failure,
            "an attempt failed"
        );
        if !failure.again || self.made >= self.bucket.0.options.attempts {
            return Err(self.error(&failure));
        }
        let asked = failure.retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER);
        let pause = jittered(self.pause).max(asked);
        if pause >= self.left() {
            return Err(self.error(&failure));
        }
        self.perhaps_done |= failure.perhaps_done;
        self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
        sleep(pause).await;
        Ok(())
    }

    /// The call's time that is left.
    fn left(&self) -> Duration {
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        self.deadline.map_or(Duration::MAX, left)
    }

    fn error(&self, failure: &Failure) -> BucketError {
        let shared = &self.bucket.0;
        let mut message = format!("{} of {:?}", self.operation.name(), self.key);
        message += &format!(" in bucket {:?} at {}:", shared.options.bucket, shared.place);
        let status = failure.status.map(|status| status.to_string());
        let said = [status.as_deref(), failure.code.as_deref(), Some(failure.text.as_str())];
        for said in said.into_iter().flatten().filter(|said| !said.is_empty()) {
            message.push(' ');
            message += said;
        }
        if self.made > 1 {
            message += &format!("; after {} attempts", self.made);
        }
        let advice = advice(failure);
        if !advice.is_empty() {
            message += "; ";
            message += advice;
        }
        let (status, code) = (failure.status, failure.code.clone());
        BucketError::new(failure.kind, message, status, code, self.perhaps_done)
    }
}

/// From half of it to all of it.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(fastrand::f64().mul_add(0.5, 0.5))
}

impl Bucket {
    /// Makes attempts until one succeeds, or the call is over. `bytes` go up
    /// with each.
    pub(crate) async fn call<T, F>(
        &self,
        operation: Operation,
        key: &str,
        bytes: u64,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, BucketError>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut attempts = Attempts::new(self, operation, key, true);
        loop {
            // Boxed: the SDK's futures are large, and callers hold many.
            match attempts.attempt(bytes, Box::pin(attempt())).await {
                Ok(value) => return Ok(value),
                Err(failure) => attempts.failed(failure).await?,
            }
        }
    }
}
