//! The HTTP server: connections, bounds, and an orderly end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::app::App;
use super::engine::Runtime;
use super::host::GuestSetup;
use super::http::{Body, Handler};
use super::slots::{Slots, wait_until};
use super::stop::Stop;

/// Instances that answer requests at a time, unless `--max-requests` says
/// otherwise. More requests wait for one to end.
pub(crate) const DEFAULT_MAX_REQUESTS: usize = 64;

/// Time for one request, waiting included, unless `--timeout` says otherwise.
pub(crate) const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Time that requests under way get when the server stops, unless `--grace`
/// says otherwise.
pub(crate) const DEFAULT_GRACE: Duration = Duration::from_secs(10);

/// Open connections; more wait in the system's queue.
const MAX_CONNECTIONS: usize = 4096;

/// A client that does not send its request's head within this, or does not
/// agree on encryption, is cut off.
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

/// Answers requests.
pub(crate) trait Answer: Send + Sync + 'static {
    /// Answers one request of `client`. Never fails: whatever goes wrong has a
    /// status.
    fn respond(
        self: Arc<Self>,
        request: Request<Incoming>,
        client: SocketAddr,
    ) -> impl Future<Output = Response<Body>> + Send;
}

/// How a server's connections are made.
#[derive(Clone, Default)]
pub(crate) struct Wire {
    /// Encrypts them.
    pub(crate) tls: Option<TlsAcceptor>,
    /// Bound on a connection's buffers in bytes, which holds a request's head;
    /// hyper's own without it.
    pub(crate) buffer: Option<usize>,
}

/// A server that is bound and not yet running.
pub(crate) struct Server<A = Handler> {
    listener: TcpListener,
    answer: Arc<A>,
    slots: Arc<Slots>,
    grace: Duration,
    wire: Wire,
}

impl Server<Handler> {
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
        let listener = TcpListener::bind(listen).await.with_context(|| {
            format!("cannot listen on {listen}: give a free address of this host such as 127.0.0.1:8080")
        })?;
        let slots = Arc::new(Slots::new(options.max_requests));
        let handler =
            Handler { runtime, app, setup, request_timeout: options.request_timeout, slots: Arc::clone(&slots) };
        Ok(Self::new(listener, Arc::new(handler), slots, options.grace, Wire::default()))
    }
}

impl<A: Answer> Server<A> {
    /// Answers what comes to `listener`. `slots` are those of the instances
    /// that answer; `grace` is for requests under way when the server stops.
    pub(crate) fn new(listener: TcpListener, answer: Arc<A>, slots: Arc<Slots>, grace: Duration, wire: Wire) -> Self {
        Self { listener, answer, slots, grace, wire }
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
        let Self { listener, answer, slots, grace, wire } = self;
        let (closing, closed) = watch::channel(false);
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut connections = JoinSet::new();
        let stopped = stop.requested();
        tokio::pin!(stopped);
        loop {
            let accepted = async {
                let place = Arc::clone(&places).acquire_owned().await.map_err(std::io::Error::other)?;
                listener.accept().await.map(|(stream, client)| (stream, client, place))
            };
            tokio::select! {
                _ = &mut stopped => break,
                // Takes finished connections out of the set.
                Some(_) = connections.join_next() => {}
                accepted = accepted => match accepted {
                    Ok((stream, client, place)) => {
                        let (answer, wire, closed) = (Arc::clone(&answer), wire.clone(), closed.clone());
                        connections.spawn(async move {
                            accept(stream, client, answer, wire, closed).await;
                            drop(place);
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
        slots.close();
        let finished = async {
            while connections.join_next().await.is_some() {}
            // Instances may outlive their connections.
            slots.idle().await;
        };
        if tokio::time::timeout(grace, finished).await.is_err() {
            crate::notice("requests that did not finish in time are cut off (see --grace)");
            slots.kill();
            let _ = tokio::time::timeout(KILL_PATIENCE, slots.idle()).await;
        }
    }
}

/// Agrees on encryption, where there is some, and serves a connection.
async fn accept<A: Answer>(
    stream: TcpStream,
    client: SocketAddr,
    answer: Arc<A>,
    wire: Wire,
    closed: watch::Receiver<bool>,
) {
    // Responses are written whole: waiting to fill packets only delays them.
    let _ = stream.set_nodelay(true);
    let Some(tls) = &wire.tls else { return serve_connection(stream, client, answer, wire.buffer, closed).await };
    match tokio::time::timeout(HEADER_TIMEOUT, tls.accept(stream)).await {
        Ok(Ok(stream)) => serve_connection(stream, client, answer, wire.buffer, closed).await,
        Ok(Err(error)) => tracing::debug!("a client and the server did not agree on encryption: {error}"),
        Err(_) => tracing::debug!("a client took too long to agree on encryption"),
    }
}

/// Serves one connection until it ends, or until its request under way is
/// answered once the server is closing.
async fn serve_connection<A: Answer>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send,
    client: SocketAddr,
    answer: Arc<A>,
    buffer: Option<usize>,
    mut closed: watch::Receiver<bool>,
) {
    let service = service_fn(move |request| {
        let response = Arc::clone(&answer).respond(request, client);
        async move { Ok::<_, Infallible>(response.await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    if let Some(bytes) = buffer {
        builder.max_buf_size(bytes);
    }
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = wait_until(&mut closed, |closed| *closed) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection ended badly: {error}");
    }
}
