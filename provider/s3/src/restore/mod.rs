//! How what the bucket has comes into the volume.
//!
//! What lives here: listing directories ([`listing`], [`names`], [`entry`]),
//! all of them at the start ([`walk`]), and looking for what others changed,
//! one name at a time ([`look`]) or all of them ([`poll`]). What does not:
//! contents (`loads`), and who wins where both sides changed (`commit`).
//!
//! Everything that comes in goes through the volume, which asks its observer:
//! a name with changes that the bucket does not have is left as it is.

mod attributes;
mod bring;
mod differences;
mod entry;
mod left_out;
mod links;
mod listing;
mod look;
mod names;
mod poll;
mod requests;
mod unlisted;
mod walk;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, OnceLock, Weak};

use larder_bucket::BucketError;
use larder_core::{Error, ErrorCode, Lister, NodeId, Result, Volume};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use self::attributes::Described;
use self::left_out::LeftOut;
use self::listing::Flight;
use self::requests::{Requests, Urgency};
use self::unlisted::Unlisted;
use crate::error::guest_code;
use crate::shared::Shared;
use crate::waiting::waiting;

/// What brings the bucket's objects into the volume.
pub(crate) struct Restore {
    shared: Arc<Shared>,
    this: Weak<Self>,
    requests: Requests,
    /// Directories that are being listed, for who else wants them.
    flights: Mutex<HashMap<NodeId, Flight>>,
    unlisted: Unlisted,
    left_out: LeftOut,
    /// Of directories, by path, as of the start.
    attributes: Mutex<HashMap<String, Described>>,
    /// Held from looking for a file that has an identity until its name is
    /// there, while a directory is listed: else each of two directories makes
    /// it.
    linking: tokio::sync::Mutex<()>,
    /// Held while one name changes: what comes in is noted by its name.
    gate: tokio::sync::Mutex<()>,
    /// Held while the bucket is looked through.
    polling: tokio::sync::Mutex<()>,
    preload: OnceLock<tokio::sync::mpsc::UnboundedSender<NodeId>>,
    is_done: watch::Sender<bool>,
    tasks: Mutex<Vec<AbortHandle>>,
}

impl Restore {
    /// For a volume whose root may be unlisted.
    pub(crate) fn new(shared: Arc<Shared>) -> Arc<Self> {
        let unlisted = Unlisted::default();
        if let Some(volume) = shared.volume.upgrade()
            && volume.is_unlisted_directory(volume.root_id()) == Ok(true)
        {
            unlisted.add(volume.root_id());
        }
        let parallel = shared.options.parallel;
        let restore = Arc::new_cyclic(|this| Self {
            shared,
            this: this.clone(),
            requests: Requests::new(parallel),
            flights: Mutex::default(),
            unlisted,
            left_out: LeftOut::default(),
            attributes: Mutex::default(),
            linking: tokio::sync::Mutex::default(),
            gate: tokio::sync::Mutex::default(),
            polling: tokio::sync::Mutex::default(),
            preload: OnceLock::new(),
            is_done: watch::Sender::new(false),
            tasks: Mutex::default(),
        });
        restore.count_unlisted();
        restore
    }

    fn volume(&self) -> Result<Arc<Volume>> {
        self.shared.volume.upgrade().ok_or_else(|| Error::new(ErrorCode::Io, "list"))
    }

    fn count_unlisted(&self) {
        self.shared.counters.unlisted_directories.store(self.unlisted.len(), Relaxed);
    }

    /// What a guest is told of a request that failed; the operator is told
    /// more.
    fn failed(operation: &'static str, path: &str, error: &BucketError) -> Error {
        tracing::warn!(path, %error, "the bucket was asked in vain");
        Error::new(guest_code(error.kind()), operation).at(path)
    }

    /// Calls the volume, which takes locks and may come back here.
    async fn with_volume<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Arc<Volume>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let volume = self.volume()?;
        let called = tokio::task::spawn_blocking(move || call(&volume)).await;
        called.unwrap_or_else(|_| Err(Error::new(ErrorCode::Io, "adopt")))
    }

    /// Waits on a guest's thread, which may belong to another runtime. The
    /// work goes on where the bucket answers nothing, but the guest does not
    /// wait for it: no longer than twice the patience without an answer.
    fn wait<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = channel();
        self.shared.runtime.spawn(async move {
            // Nobody may wait any more.
            let _ = answer.send(work.await);
        });
        let mut finished = self.requests.finished();
        loop {
            match waiting(|| answered.recv_timeout(self.shared.options.patience)) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Timeout) if self.requests.finished() != finished => {
                    finished = self.requests.finished();
                }
                Err(_) => return Err(Error::new(ErrorCode::Io, operation)),
            }
        }
    }

    fn this(&self) -> Result<Arc<Self>> {
        self.this.upgrade().ok_or_else(|| Error::new(ErrorCode::Io, "list"))
    }

    /// Lists all directories below one, and itself. Blocks.
    ///
    /// # Errors
    /// What the bucket answers; what was listed by then stays.
    pub(crate) fn list_all_below(&self, directory: NodeId) -> Result<()> {
        let below = || self.unlisted.below(&self.shared.state.lock().mirror, directory);
        let mut open = below();
        while !open.is_empty() {
            for directory in &open {
                self.list(*directory)?;
            }
            open = below();
        }
        Ok(())
    }

    /// Looks whether a name that is about to be opened is another object by
    /// now, or is gone; answers whether it changed. Blocks. What is known can
    /// still be opened where the bucket does not answer.
    ///
    /// # Errors
    /// What the bucket answers for a name that is not known.
    pub(crate) fn opening(&self, directory: NodeId, name: &str) -> Result<bool> {
        let Some(basis) = self.basis_in(directory, name) else { return Ok(false) };
        if basis.is_directory {
            return Ok(false);
        }
        let is_known = basis.node.is_some();
        let this = self.this()?;
        let path = basis.path.clone();
        let looked = self.wait("open", async move {
            let looked = this.look_at_file(&basis, look::Depth::Opening, Urgency::Guest).await;
            looked.map_err(|error| Self::failed("open", &basis.path, &error))
        });
        match looked {
            Err(error) if is_known => {
                tracing::warn!(path, %error, "a file is opened as it was last seen in the bucket");
                Ok(false)
            }
            looked => looked,
        }
    }
}

impl Lister for Restore {
    fn list(&self, directory: NodeId) -> Result<()> {
        let this = self.this()?;
        self.wait("list", async move { this.listed(directory, Urgency::Guest).await })
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        self.stop();
    }
}
