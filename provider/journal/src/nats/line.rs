//! The connection, on a thread of its own: whoever calls may be on a thread of
//! another runtime, which must not run, or wait for, tasks of this one.

use std::sync::mpsc;
use std::time::Duration;

use async_nats::{Client, ConnectOptions};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::{Error, Result};

/// Dropping it ends the thread.
#[derive(Debug)]
pub(super) struct Line {
    runtime: Handle,
    deadline: Duration,
    /// For errors: the stream.
    place: String,
    _running: oneshot::Sender<()>,
}

impl Line {
    pub(super) fn new(deadline: Duration, place: String) -> Result<Self> {
        let failed = |error: std::io::Error| Error::Server {
            operation: "begin a thread for",
            place: place.clone(),
            reason: error.to_string(),
        };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let handle = runtime.handle().clone();
        let (running, ended) = oneshot::channel::<()>();
        let run = move || {
            let _ = runtime.block_on(ended);
            runtime.shutdown_background();
        };
        std::thread::Builder::new().name("larder-journal".to_owned()).spawn(run).map_err(failed)?;
        Ok(Self { runtime: handle, deadline, place, _running: running })
    }

    /// # Errors
    /// `Server`.
    pub(super) fn connect(&self, server: String, options: ConnectOptions) -> Result<Client> {
        let place = self.place.clone();
        self.run("connect to the server of", async move {
            options.connect(server).await.map_err(|error| Error::Server {
                operation: "connect to the server of",
                place,
                reason: error.to_string(),
            })
        })
    }

    /// Runs the work on the thread and waits for its result.
    ///
    /// # Errors
    /// The work's; `Server` where it takes longer than the deadline.
    pub(super) fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let deadline = self.deadline;
        let task = self.runtime.spawn(async move {
            // There is room for one, so that this does not block.
            let _ = sender.send(tokio::time::timeout(deadline, work).await);
        });
        match receiver.recv() {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => {
                task.abort();
                Err(self.failed(operation, "it does not answer".to_owned()))
            }
        }
    }

    pub(super) fn failed(&self, operation: &'static str, reason: String) -> Error {
        Error::Server { operation, place: self.place.clone(), reason }
    }

    pub(super) const fn deadline(&self) -> Duration {
        self.deadline
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }
}
