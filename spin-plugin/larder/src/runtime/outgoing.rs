//! Outgoing HTTP requests of guests: where they may go, how many there are at a
//! time, and which of them stay within this process.

use std::pin::Pin;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use hyper::header::HOST;
use hyper::http::HeaderName;
use hyper::{Request, Response};
use larder_spin_app::hosts::AllowedHosts;
use tokio::sync::Semaphore;
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpHooks,
    default_send_request,
};

use super::origin::{Origin, Trail, UnderWay};

/// Outgoing requests at a time of all guests. Guards sockets and memory.
const MOST_REQUESTS: usize = 512;

/// The longest time that a guest can wait for a connection, for a response, and
/// between two pieces of its body; also where it says nothing. Guards sockets:
/// each waiting request holds one.
const MOST_PATIENCE: Duration = Duration::from_secs(600);

/// Requests among components that may lead to one another. Guards against
/// components that ask each other for ever: each holds an instance.
const MOST_DEPTH: u8 = 16;

/// Where a guest's requests may go, and whether it sees HTTP as Spin shows it.
#[derive(Clone, Default)]
pub(crate) enum Outgoing {
    /// Nowhere: every request is answered with `HTTP-request-denied`.
    #[default]
    Nowhere,
    /// To some hosts. The guest also sees, and may set, the `host` header.
    To {
        /// These.
        hosts: Arc<AllowedHosts>,
        /// Who answers what stays within this process, once there is somebody.
        within: Arc<OnceLock<Weak<dyn Within>>>,
    },
}

/// What a request is answered with, in time.
pub(crate) type Answering = Pin<Box<dyn Future<Output = wasmtime_wasi_http::Result<Response<WasiBody>>> + Send>>;

/// Answers requests of guests that do not leave this process.
pub(crate) trait Within: Send + Sync {
    /// Whether requests to this host, which may have a port, are among them.
    fn has(&self, host: &str) -> bool;

    /// Answers one of them. So many others led to it: `depth`.
    fn answer(self: Arc<Self>, request: Request<WasiBody>, depth: u8) -> Answering;
}

/// The hooks of one instance.
pub(super) struct OutgoingRequests {
    to: Outgoing,
    /// One permit for each request under way.
    permits: Arc<Semaphore>,
    /// The most requests that led to one that the instance has had.
    depth: u8,
    /// The requests that the instance answers now.
    trail: Arc<Trail>,
}

/// Permits for all guests of a process.
pub(super) fn permits() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(MOST_REQUESTS))
}

impl OutgoingRequests {
    pub(super) fn new(to: Outgoing, permits: Arc<Semaphore>) -> Self {
        Self { to, permits, depth: 0, trail: Arc::default() }
    }

    /// Notes what led to a request that the instance answers, until what is
    /// returned is dropped.
    pub(super) fn led_by(&mut self, origin: &Origin) -> Option<UnderWay> {
        self.depth = self.depth.max(origin.depth);
        origin.headers.as_ref().map(|headers| self.trail.begin(Arc::clone(headers)))
    }

    /// Who answers a request that stays within this process.
    fn within(&self, request: &Request<WasiBody>) -> Option<Arc<dyn Within>> {
        let Outgoing::To { within, .. } = &self.to else { return None };
        let within = within.get()?.upgrade()?;
        within.has(request.uri().authority()?.host()).then_some(within)
    }

    fn allows(&self, request: &Request<WasiBody>) -> bool {
        let Outgoing::To { hosts, .. } = &self.to else { return false };
        let uri = request.uri();
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return false };
        let allowed = hosts.allows(&scheme.to_ascii_lowercase(), authority.host(), authority.port_u16());
        if !allowed {
            crate::notice(&format!(
                "a guest's request to {scheme}://{} was denied: add that to the component's `allowed_outbound_hosts`",
                crate::output::printable(authority.as_str())
            ));
        }
        allowed
    }
}

type Finished = Box<dyn Future<Output = wasmtime_wasi_http::Result<()>> + Send>;
type Sent = wasmtime_wasi_http::Result<(Response<WasiBody>, Finished)>;

impl WasiHttpHooks for OutgoingRequests {
    // Asked for each header: by itself it would make a filter each time.
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        match self.to {
            Outgoing::Nowhere => is_forbidden(name),
            Outgoing::To { .. } => is_forbidden_but_host(name),
        }
    }

    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(match self.to {
            Outgoing::Nowhere => is_forbidden,
            Outgoing::To { .. } => is_forbidden_but_host,
        })
    }

    fn send_request(
        &mut self,
        mut request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _finished: Finished,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        if !self.allows(&request) {
            return Box::new(async { Err(Error::HttpRequestDenied) });
        }
        self.trail.lead(request.headers_mut());
        if let Some(within) = self.within(&request) {
            let depth = self.depth.saturating_add(1);
            return Box::new(async move {
                if depth > MOST_DEPTH {
                    return Err(Error::LoopDetected);
                }
                let response = within.answer(request, depth).await?;
                let nothing: Finished = Box::new(async { Ok(()) });
                Ok((response, nothing))
            });
        }
        let permits = Arc::clone(&self.permits);
        Box::new(async move {
            let permit = permits.acquire_owned().await.map_err(|_| Error::HttpRequestDenied)?;
            let (response, connection) = default_send_request(request, Some(bounded(options))).await?;
            let response = response.map(http_body_util::BodyExt::boxed_unsync);
            let connection: Finished = Box::new(async move {
                let _permit = permit;
                connection.await
            });
            Ok((response, connection))
        })
    }
}

fn is_forbidden(name: &HeaderName) -> bool {
    DEFAULT_FORBIDDEN_HEADERS.contains(name)
}

fn is_forbidden_but_host(name: &HeaderName) -> bool {
    *name != HOST && is_forbidden(name)
}

/// The guest's times, within bounds.
fn bounded(options: Option<RequestOptions>) -> RequestOptions {
    let mut options = options.unwrap_or_default();
    for time in [&mut options.connect_timeout, &mut options.first_byte_timeout, &mut options.between_bytes_timeout] {
        *time = Some(time.map_or(MOST_PATIENCE, |time| time.min(MOST_PATIENCE)));
    }
    options
}
