//! Serving volumes on a socket.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use larder_nats_server::{LocalServer, ProcessServer, ServerOptions};
use tokio::net::UnixListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::Volumes;
use crate::connection;
use crate::place::Place;

/// Most connections at a time: 32. Guards memory, and open files.
pub const MOST_CONNECTIONS: usize = 32;

/// Most requests of one connection that are not answered yet; more are not
/// read: 16. Guards the memory of answers that nobody takes.
pub const MOST_UNDER_WAY: usize = 16;

/// A connection ends on which nothing comes, or takes an answer, for so long:
/// 60 s, twice a session's lease. Guards the places of connections.
pub const IDLE: Duration = Duration::from_secs(60);

/// How long answers may take on their way at the end: 10 s.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// The pause after a connection that cannot be accepted, as the process has no
/// file left: 100 ms.
const PAUSE: Duration = Duration::from_millis(100);

/// Threads that carry requests out. They are others than those of guests, whom
/// they do not keep waiting.
const THREADS: usize = 2;

/// What connections are served with.
pub(crate) struct Served {
    pub(crate) local: LocalServer,
    /// Names, in order.
    pub(crate) names: Vec<String>,
    pub(crate) elsewhere: BTreeMap<String, String>,
}

/// Threads of its own. Dropping it does not block, so that it may be dropped on
/// a thread of another runtime.
struct Threads(Option<Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Volumes that are served on a socket. Dropping it ends serving at once;
/// [`stop`](Self::stop) answers what was asked before.
pub struct Listening {
    place: Place,
    stop: watch::Sender<bool>,
    running: JoinHandle<()>,
    _threads: Threads,
}

impl Listening {
    /// Serves the volumes on a socket at `path`, for the owner of this process.
    /// A socket that a process left there that is gone is replaced.
    ///
    /// # Errors
    /// When the path is too long for a socket, or cannot be used: as its
    /// directory is missing, a living process listens there, or something else
    /// is there. When a volume has no name that others can say, or no handle
    /// left.
    pub fn start(path: &Path, volumes: Volumes) -> Result<Self> {
        let (place, listener) = Place::take(path)?;
        listener.set_nonblocking(true)?;
        let names = volumes.served.iter().map(|volume| volume.name.clone()).collect();
        let mut threads = Builder::new_multi_thread();
        threads.worker_threads(THREADS).thread_name("larder-socket").enable_all();
        let runtime = threads.build().context("cannot start threads")?;
        let within = runtime.handle().clone();
        let threads = Threads(Some(runtime));
        let _within = within.enter();
        let server = ProcessServer::start(volumes.served, ServerOptions::default())?;
        let listener = UnixListener::from_std(listener)?;
        let served = Arc::new(Served { local: server.local(), names, elsewhere: volumes.elsewhere });
        let (stop, stopped) = watch::channel(false);
        let running = within.spawn(async move {
            let connections = accept(&listener, served, stopped).await;
            drop(listener);
            end(connections).await;
            server.shutdown().await;
        });
        Ok(Self { place, stop, running, _threads: threads })
    }

    /// Takes no more requests, answers those that came, ends all sessions, and
    /// removes the socket.
    pub async fn stop(self) {
        let Self { place, stop, running, _threads } = self;
        // Whoever comes from now on finds nobody.
        drop(place);
        stop.send_replace(true);
        if let Err(error) = running.await {
            tracing::error!(%error, "serving volumes on the socket failed");
        }
    }
}

/// Serves connections until it is stopped.
async fn accept(listener: &UnixListener, served: Arc<Served>, stopped: watch::Receiver<bool>) -> JoinSet<()> {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut stop = stopped.clone();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return connections,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection to the socket cannot be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            connection::refuse(stream);
            continue;
        };
        let (served, stopped) = (Arc::clone(&served), stopped.clone());
        connections.spawn(async move {
            connection::serve(stream, &served, stopped).await;
            drop(place);
        });
    }
}

/// Waits for connections whose last answers are on their way.
async fn end(mut connections: JoinSet<()>) {
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST_ANSWERS, all).await.is_err() {
        tracing::warn!("some answers did not arrive: their connections are closed");
    }
}
