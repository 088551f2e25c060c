//! Outgoing HTTP requests of guests: where they may go, and how many there are
//! at a time.

use std::sync::Arc;
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

/// Outgoing requests at a time of all guests. Guards sockets and memory.
const MOST_REQUESTS: usize = 512;

/// The longest time that a guest can wait for a connection, for a response, and
/// between two pieces of its body; also where it says nothing. Guards sockets:
/// each waiting request holds one.
const MOST_PATIENCE: Duration = Duration::from_secs(600);

/// Where a guest's requests may go, and whether it sees HTTP as Spin shows it.
#[derive(Clone, Debug, Default)]
pub(crate) enum Outgoing {
    /// Nowhere: every request is answered with `HTTP-request-denied`.
    #[default]
    Nowhere,
    /// To these hosts. The guest also sees, and may set, the `host` header.
    To(Arc<AllowedHosts>),
}

/// The hooks of one instance.
pub(super) struct OutgoingRequests {
    to: Outgoing,
    /// One permit for each request under way.
    permits: Arc<Semaphore>,
}

/// Permits for all guests of a process.
pub(super) fn permits() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(MOST_REQUESTS))
}

impl OutgoingRequests {
    pub(super) fn new(to: Outgoing, permits: Arc<Semaphore>) -> Self {
        Self { to, permits }
    }

    fn allows(&self, request: &Request<WasiBody>) -> bool {
        let Outgoing::To(hosts) = &self.to else { return false };
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
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        match self.to {
            Outgoing::Nowhere => Arc::new(is_forbidden),
            Outgoing::To(_) => Arc::new(|name| *name != HOST && is_forbidden(name)),
        }
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _finished: Finished,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        if !self.allows(&request) {
            return Box::new(async { Err(Error::HttpRequestDenied) });
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

/// The guest's times, within bounds.
fn bounded(options: Option<RequestOptions>) -> RequestOptions {
    let mut options = options.unwrap_or_default();
    for time in [&mut options.connect_timeout, &mut options.first_byte_timeout, &mut options.between_bytes_timeout] {
        *time = Some(time.map_or(MOST_PATIENCE, |time| time.min(MOST_PATIENCE)));
    }
    options
}
