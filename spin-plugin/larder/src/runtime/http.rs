//! One HTTP request: a fresh instance of the app, the call of its handler, and
//! the response, within the server's bounds.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::http::uri::{Authority, PathAndQuery, Scheme, Uri};
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};
use wasmtime::component::{Accessor, InstancePre};
use wasmtime_wasi_http::{WasiBody, WasiHttpView, p2, p3};

use super::app::Http;
use super::command::describe_trap;
use super::engine::Runtime;
use super::host::{GuestSetup, Host};
use super::server::Answer;
use super::slots::Slots;

/// The body of every response.
pub(crate) type Body = WasiBody;

/// Hands the response's head to the connection; the body may follow while the
/// guest goes on.
type Responder = oneshot::Sender<Result<Response<Body>, Failure>>;

/// Answers requests with instances of one app, each with one of its own.
pub(crate) struct Handler {
    pub(super) runtime: Arc<Runtime>,
    pub(super) app: Http,
    pub(super) setup: GuestSetup,
    /// Bound on a request from its start to the end of its response's body.
    pub(super) request_timeout: Duration,
    /// Places for instances.
    pub(super) slots: Arc<Slots>,
}

/// Why there is no response from the guest.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request has no usable host or path.
    BadRequest,
    /// Every instance is busy, or the server is stopping.
    Unavailable,
    /// The guest took too long.
    TimedOut,
    /// The guest trapped, or ended without a response.
    Guest(String),
}

impl Failure {
    /// What the client of a request is told; the operator is told why.
    pub(crate) fn answer(&self, line: &RequestLine) -> Response<Body> {
        if let Self::Guest(why) = self {
            crate::notice(&format!("{line}: {why}"));
        }
        self.response()
    }

    fn response(&self) -> Response<Body> {
        // What a guest's trap says is for the operator, not for the client.
        let (status, text) = match self {
            Self::BadRequest => (StatusCode::BAD_REQUEST, "The request names no valid host and path.\n"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "The server is busy; try again later.\n"),
            Self::TimedOut => (StatusCode::GATEWAY_TIMEOUT, "The app took too long to answer.\n"),
            Self::Guest(_) => (StatusCode::INTERNAL_SERVER_ERROR, "The app failed to answer.\n"),
        };
        let mut response = Response::new(whole(text));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response
    }
}

/// A body of one piece.
pub(crate) fn whole(content: impl Into<Bytes>) -> Body {
    Full::new(content.into()).map_err(|never| match never {}).boxed_unsync()
}

impl Answer for Handler {
    async fn respond(self: Arc<Self>, request: Request<Incoming>, _client: SocketAddr) -> Response<Body> {
        let line = RequestLine::of(&request);
        let response = self.from_guest(request).await.unwrap_or_else(|failure| failure.answer(&line));
        tracing::info!(status = response.status().as_u16(), "{line}");
        response
    }
}

impl Handler {
    async fn from_guest(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>, Failure> {
        let request = with_absolute_uri(request).ok_or(Failure::BadRequest)?;
        let permit = self.slots.take(self.request_timeout).await.ok_or(Failure::Unavailable)?;
        let (responder, response) = oneshot::channel();
        // A task of its own: the guest goes on while the body is sent, and a
        // client that hangs up does not cut it off in the middle of its work.
        let guest = tokio::spawn(self.bounded(request, responder, permit));
        match response.await {
            Ok(response) => response,
            // Dropped with the instance, whose end says why.
            Err(_) => Err(match guest.await {
                Ok(Ok(())) => Failure::Guest("the guest returned without a response".to_owned()),
                Ok(Err(failure)) => failure,
                Err(error) => Failure::Guest(format!("larder failed while the guest ran, please report this: {error}")),
            }),
        }
    }

    /// Runs one instance until it is done, too slow or not wanted any more.
    async fn bounded(
        self: Arc<Self>,
        request: Request<Incoming>,
        responder: Responder,
        permit: OwnedSemaphorePermit,
    ) -> Result<(), Failure> {
        let _permit = permit;
        let line = RequestLine::of(&request);
        // Whether the head is out decides who reports a later failure.
        let (responder, answered) = watched(responder);
        let result = tokio::select! {
            result = tokio::time::timeout(self.request_timeout, self.instance(request, responder)) => {
                result.unwrap_or(Err(Failure::TimedOut))
            }
            () = self.slots.killed() => Err(Failure::Unavailable),
        };
        let answered = *answered.borrow();
        if let (Err(failure), true) = (&result, answered) {
            let why = match failure {
                Failure::Guest(why) => why,
                Failure::TimedOut => "it took too long and was stopped (see --timeout)",
                Failure::BadRequest | Failure::Unavailable => "it was stopped with the server",
            };
            crate::notice(&format!("{line}: after the response began: {why}"));
        }
        result
    }

    async fn instance(&self, request: Request<Incoming>, responder: WatchedResponder) -> Result<(), Failure> {
        let store = self.setup.store(&self.runtime);
        let mut store = store.map_err(|error| Failure::Guest(format!("{error:#}")))?;
        let result = match &self.app {
            Http::P2(pre) => call_p2(&mut store, pre, request, responder).await,
            Http::P3(pre) => call_p3(&mut store, pre, request, responder).await,
        };
        let hint = if store.data().limits.refused() { "; it was refused memory (see --memory)" } else { "" };
        result.map_err(|error| Failure::Guest(format!("the guest trapped: {}", describe_trap(&error, hint))))
    }
}

async fn call_p2(
    store: &mut wasmtime::Store<Host>,
    pre: &InstancePre<Host>,
    request: Request<Incoming>,
    responder: WatchedResponder,
) -> wasmtime::Result<()> {
    let mut http = store.data_mut().http();
    let request = http.new_incoming_request(p2::bindings::http::types::Scheme::Http, request)?;
    let out = http.new_response_outparam_from_callback(move |response| {
        responder.send(response.map_err(|code| Failure::Guest(format!("the guest answered with the error {code:?}"))));
    })?;
    let proxy = p2::bindings::ProxyPre::new(pre.clone())?.instantiate_async(&mut *store).await?;
    proxy.wasi_http_incoming_handler().call_handle(store, request, out).await
}

async fn call_p3(
    store: &mut wasmtime::Store<Host>,
    pre: &InstancePre<Host>,
    request: Request<Incoming>,
    responder: WatchedResponder,
) -> wasmtime::Result<()> {
    let service = p3::bindings::ServicePre::new(pre.clone())?.instantiate_async(&mut *store).await?;
    let (request, received) = p3::Request::from_http(store.data_mut().http().hooks, request);
    store
        .run_concurrent(async move |accessor: &Accessor<Host>| {
            let response = match service.handle(accessor, request).await? {
                Ok(response) => response,
                Err(code) => {
                    responder.send(Err(Failure::Guest(format!("the guest answered with the error {code:?}"))));
                    return Ok(());
                }
            };
            let response = accessor.with(|mut access| response.into_http(&mut access, received))?;
            // The guest feeds the body from within this store: it must run
            // on until the connection has taken, or dropped, all of it.
            let (sending, sent) = oneshot::channel::<Infallible>();
            responder.send(Ok(response.map(|body| {
                body.map_frame(move |frame| {
                    let _held = &sending;
                    frame
                })
                .boxed_unsync()
            })));
            let _ = sent.await;
            poll_fn(|context| accessor.poll_no_interesting_tasks(context)).await;
            Ok(())
        })
        .await?
}

/// A responder, and whether it was used.
struct WatchedResponder {
    responder: Responder,
    answered: watch::Sender<bool>,
}

impl WatchedResponder {
    fn send(self, response: Result<Response<Body>, Failure>) {
        self.answered.send_replace(true);
        // The client may be gone.
        let _ = self.responder.send(response);
    }
}

fn watched(responder: Responder) -> (WatchedResponder, watch::Receiver<bool>) {
    let (answered, receiver) = watch::channel(false);
    (WatchedResponder { responder, answered }, receiver)
}

/// A request as the operator reads it.
pub(crate) struct RequestLine {
    method: Method,
    path: String,
}

impl RequestLine {
    /// Of a request.
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        Self { method: request.method().clone(), path: request.uri().path().to_owned() }
    }
}

impl std::fmt::Display for RequestLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, crate::output::printable(&self.path))
    }
}

/// Moves the host from its header into the URI, where both versions of
/// `wasi:http` look for the authority. `None` when there is no valid one.
pub(crate) fn with_absolute_uri<B>(mut request: Request<B>) -> Option<Request<B>> {
    if request.uri().authority().is_some() {
        return Some(request);
    }
    let host = request.headers().get(HOST)?;
    let authority = Authority::try_from(host.as_bytes()).ok()?;
    let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::builder().scheme(Scheme::HTTP).authority(authority).path_and_query(path).build().ok()?;
    Some(request)
}
