//! How many requests are under way, and whose go first.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use larder_bucket::BucketError;
use tokio::sync::Semaphore;

/// Who waits for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    /// A guest: goes before what nobody waits for.
    Guest,
    /// Nobody.
    Background,
}

/// Requests under way.
#[derive(Debug)]
pub(super) struct Requests {
    all: Semaphore,
    /// Fewer than all, so that a guest finds a place.
    background: Semaphore,
    finished: AtomicU64,
}

impl Requests {
    pub(super) fn new(parallel: usize) -> Self {
        let background = parallel - parallel / 4;
        Self {
            all: Semaphore::new(parallel.max(1)),
            background: Semaphore::new(background.max(1)),
            finished: AtomicU64::new(0),
        }
    }

    /// Makes a request when there is a place for it.
    pub(super) async fn run<T>(
        &self,
        urgency: Urgency,
        request: impl Future<Output = Result<T, BucketError>>,
    ) -> Result<T, BucketError> {
        // Neither is ever closed.
        let _background = match urgency {
            Urgency::Background => self.background.acquire().await.ok(),
            Urgency::Guest => None,
        };
        let _place = self.all.acquire().await.ok();
        let result = request.await;
        if result.is_ok() {
            self.finished.fetch_add(1, Relaxed);
        }
        result
    }

    /// Requests that succeeded.
    pub(super) fn finished(&self) -> u64 {
        self.finished.load(Relaxed)
    }
}
