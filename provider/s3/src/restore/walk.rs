//! All directories, one level after another, while guests use those that they
//! list themselves; and what goes on for as long as the volume is open.

use std::future::Future;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::FutureExt as _;
use futures::stream::{FuturesUnordered, StreamExt as _};
use larder_core::{ErrorCode, NodeId};

use super::Restore;
use super::requests::Urgency;
use crate::options::ReadMode;

/// The pause before directories that could not be listed are tried again; it
/// doubles up to [`LONGEST_PAUSE`]. Guards a server in trouble.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Files whose contents are loaded at a time. Guards the guests' own loads.
const PRELOADS: usize = 4;

impl Restore {
    /// Begins what goes on in the background: with [`ReadMode::Cached`] the
    /// whole tree is listed, and each file's content is loaded if the options
    /// ask for that, by `preload`; and the bucket is looked through as often as
    /// they say.
    pub(crate) fn start<P, F>(&self, preload: Arc<P>)
    where
        P: Fn(NodeId) -> F + Send + Sync + 'static,
        F: Future<Output: Send> + Send + 'static,
    {
        let Some(this) = self.this.upgrade() else { return };
        let options = &self.shared.options;
        let mut tasks = Vec::new();
        if options.read == ReadMode::Cached {
            if options.preload {
                let (wants, mut wanted) = tokio::sync::mpsc::unbounded_channel();
                let _ = self.preload.set(wants);
                tasks.push(self.shared.runtime.spawn(async move {
                    let wanted = futures::stream::poll_fn(move |context| wanted.poll_recv(context));
                    let load = |node| preload(node).map(drop);
                    wanted.for_each_concurrent(PRELOADS, load).await;
                }));
            }
            tasks.push(self.shared.runtime.spawn(async move { this.walk().await }));
        } else {
            self.is_done.send_replace(true);
        }
        if let Some(every) = options.poll {
            tasks.push(self.shared.runtime.spawn(poll_every(self.this.clone(), every)));
        }
        self.tasks.lock().extend(tasks.iter().map(tokio::task::JoinHandle::abort_handle));
    }

    /// Ends what [`start`](Self::start) began. What is under way in the volume
    /// is finished.
    pub(crate) fn stop(&self) {
        self.tasks.lock().drain(..).for_each(|task| task.abort());
    }

    /// Whether the whole tree is listed; where it is not listed at the start,
    /// at once.
    pub(crate) fn is_done(&self) -> bool {
        *self.is_done.borrow()
    }

    pub(super) fn wants_preload(&self, node: NodeId) {
        if let Some(wants) = self.preload.get() {
            // Nobody listens where it was stopped.
            let _ = wants.send(node);
        }
    }

    async fn walk(&self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let failed = self.drain().await;
            if self.shared.volume.strong_count() == 0 {
                return;
            }
            if failed == 0 {
                break;
            }
            tracing::info!(directories = failed, seconds = pause.as_secs_f64(), "listing is tried again");
            tokio::time::sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause.saturating_mul(2));
        }
        self.is_done.send_replace(true);
    }

    /// Lists all directories that are known until none is left; answers how
    /// many could not be.
    pub(super) async fn drain(&self) -> usize {
        let mut cursor = 0;
        let mut failed = 0;
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < self.shared.options.parallel.max(1)
                && let Some(directory) = self.unlisted.next(&mut cursor)
            {
                running.push(async move { (directory, self.listed(directory, Urgency::Background).await) });
            }
            let Some((directory, listed)) = running.next().await else { return failed };
            match listed {
                Ok(()) => {}
                // It was removed meanwhile.
                Err(error) if matches!(error.code(), ErrorCode::NoEntry | ErrorCode::NotDirectory) => {
                    self.unlisted.remove(directory);
                }
                Err(_) => failed += 1,
            }
        }
    }
}

async fn poll_every(restore: Weak<Restore>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let Some(restore) = restore.upgrade().filter(|restore| restore.shared.volume.strong_count() > 0) else {
            return;
        };
        if let Err(error) = restore.poll_once().await {
            tracing::warn!(%error, "the bucket could not be looked through for changes of others");
        }
    }
}
