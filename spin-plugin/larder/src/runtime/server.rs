//! The HTTP server: connections, bounds, and an orderly end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::app::App;
use super::engine::Runtime;
use super::host::GuestSetup;
use super::http::Handler;
use super::stop::Stop;

/// Instances that answer requests at a time, unless `--max-requests` says
/// otherwise. More requests wait for one to end.
pub(crate) const DEFAULT_MAX_REQUESTS: usize = 64;

/// The most that `--max-requests` can ask for: each instance reserves gigabytes
/// of address space.
const MOST_REQUESTS: usize = 1 << 14;

/// Time for one request, waiting included, unless `--timeout` says otherwise.
pub(crate) const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Time that requests under way get when the server stops, unless `--grace`
/// says otherwise.
pub(crate) const DEFAULT_GRACE: Duration = Duration::from_secs(10);

/// Open connections; more wait in the system's queue.
const MAX_CONNECTIONS: usize = 4096;

/// A client that does not send its request's head within this is cut off.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// Pause after a failed accept, which usually means no file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long killed instances may take to let go.
const KILL_PATIENCE: Duration = Duration::from_secs(2);

/// Bounds of a server.
#[derive(Clone, Debug)]
pub(crate) struct ServerOptions {
    /// Instances at a time, at least 1.
    pub(crate) max_requests: usize,
    /// For one request.
    pub(crate) request_timeout: Duration,
    /// For requests under way when the server stops.
    pub(crate) grace: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self { max_requests: DEFAULT_MAX_REQUESTS, request_timeout: DEFAULT_REQUEST_TIMEOUT, grace: DEFAULT_GRACE }
    }
}

/// A server that is bound and not yet running.
pub(crate) struct Server {
    listener: TcpListener,
    handler: Arc<Handler>,
    permits: Arc<Semaphore>,
    kill: watch::Sender<bool>,
    options: ServerOptions,
}

impl Server {
    /// Binds `listen` (`HOST:PORT`; port 0 takes a free one) for an app that
    /// serves HTTP.
    ///
    /// # Errors
    /// When the app does not serve HTTP, or the address cannot be bound.
    pub(crate) async fn bind(
        runtime: Arc<Runtime>,
        app: App,
        setup: GuestSetup,
        listen: &str,
        options: ServerOptions,
    ) -> Result<Self> {
        let app = app.as_http()?;
        let options = ServerOptions { max_requests: options.max_requests.clamp(1, MOST_REQUESTS), ..options };
        let listener = TcpListener::bind(listen).await.with_context(|| {
            format!("cannot listen on {listen}: give a free address of this host such as 127.0.0.1:8080")
        })?;
        let permits = Arc::new(Semaphore::new(options.max_requests));
        let (kill, killed) = watch::channel(false);
        let handler = Arc::new(Handler {
            runtime,
            app,
            setup,
            request_timeout: options.request_timeout,
            permits: Arc::clone(&permits),
            kill: killed,
        });
        Ok(Self { listener, handler, permits, kill, options })
    }

    /// The address that it is bound to.
    ///
    /// # Errors
    /// When the system does not tell.
    pub(crate) fn address(&self) -> Result<SocketAddr> {
        self.listener.local_addr().context("cannot tell the server's address")
    }

    /// Serves until `stop`, then lets requests under way finish within the
    /// grace. No instance runs any more when it returns.
    pub(crate) async fn run(self, stop: &Stop) {
        let Self { listener, handler, permits, kill, options } = self;
        let (closing, closed) = watch::channel(false);
        let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut connections = JoinSet::new();
        let stopped = stop.requested();
        tokio::pin!(stopped);
        loop {
            let accepted = async {
                let slot = Arc::clone(&slots).acquire_owned().await.map_err(std::io::Error::other)?;
                listener.accept().await.map(|(stream, _)| (stream, slot))
            };
            tokio::select! {
                _ = &mut stopped => break,
                // Takes finished connections out of the set.
                Some(_) = connections.join_next() => {}
                accepted = accepted => match accepted {
                    Ok((stream, slot)) => {
                        let (handler, closed) = (Arc::clone(&handler), closed.clone());
                        connections.spawn(async move {
                            serve_connection(stream, handler, closed).await;
                            drop(slot);
                        });
                    }
                    Err(error) => {
                        tracing::error!("cannot accept a connection: {error}");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(listener);
        closing.send_replace(true);
        let all = u32::try_from(options.max_requests).unwrap_or(u32::MAX);
        let finished = async {
            while connections.join_next().await.is_some() {}
            // Instances may outlive their connections.
            let _ = permits.acquire_many(all).await;
        };
        if tokio::time::timeout(options.grace, finished).await.is_err() {
            crate::notice("requests that did not finish in time are cut off (see --grace)");
            kill.send_replace(true);
            let _ = tokio::time::timeout(KILL_PATIENCE, permits.acquire_many(all)).await;
        }
    }
}

/// Serves one connection until it ends, or until its request under way is
/// answered once the server is closing.
async fn serve_connection(stream: TcpStream, handler: Arc<Handler>, mut closed: watch::Receiver<bool>) {
    // Responses are written whole: waiting to fill packets only delays them.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| Arc::clone(&handler).respond(request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = wait_until_true(&mut closed) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection ended badly: {error}");
    }
}

/// Waits until the watched flag is set. Forever, when nobody can set it any
/// more.
pub(super) async fn wait_until_true(flag: &mut watch::Receiver<bool>) {
    // Mapped, since the guard that it gives must not live across an await.
    let set = flag.wait_for(|set| *set).await.is_ok();
    if !set {
        std::future::pending::<()>().await;
    }
}
