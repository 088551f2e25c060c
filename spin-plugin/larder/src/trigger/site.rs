//! What answers a request: the trigger with its route, another component's, or
//! this process itself.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::http::HeaderMap;
use hyper::{Request, Response, StatusCode};
use larder_spin_app::hosts::chaining_target;
use larder_spin_app::lock::AppMetadata;
use larder_spin_app::route::{self, Match, Pattern, Router, WELL_KNOWN, is_spin_header, request_headers};
use serde::Serialize;
use tracing::{Instrument, Span, field};
use wasmtime_wasi_http::{Error, WasiBody};

use super::telemetry::{RequestSpan, Tracing};
use crate::runtime::{
    Answer, Answering, Body, Failure, Instances, Origin, RequestLine, Within, whole, with_absolute_uri,
};

/// Who asks, for a component that is asked by another one: Spin's value.
const COMPONENT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// What answers requests of one trigger.
pub(super) struct Target {
    /// The component's name.
    pub(super) component: String,
    /// Its description in the manifest.
    pub(super) description: Option<String>,
    /// Its instances.
    pub(super) instances: Instances,
}

/// All routes of the app.
pub(super) struct Site {
    router: Router<Arc<Target>>,
    /// By component, for requests among them.
    components: BTreeMap<String, Arc<Target>>,
    /// What a component's path is matched with that another one asks for.
    everything: Pattern,
    info: Info,
    /// `http` or `https`.
    scheme: &'static str,
    /// Makes spans of requests, once and where they are sent.
    tracing: OnceLock<Tracing>,
}

/// What `/.well-known/spin/info` tells.
#[derive(Debug, Serialize)]
pub(super) struct Info {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

impl Info {
    pub(super) fn of(app: &AppMetadata) -> Self {
        Self { name: app.name.clone().unwrap_or_default(), version: app.version.clone() }
    }
}

impl Answer for Site {
    async fn respond(self: Arc<Self>, request: Request<Incoming>, client: SocketAddr) -> Response<Body> {
        let line = RequestLine::of(&request);
        // What it is of is known once there is a route.
        let span = tracing::info_span!("request", component = field::Empty, route = field::Empty);
        let within = span.clone();
        async {
            let begun = Instant::now();
            let traced = self.tracing.get().map(|tracing| tracing.request(&request, self.scheme));
            let response = self.answer_client(request, client, &within, traced.as_ref()).await;
            let response = response.unwrap_or_else(|failure| failure.answer(&line));
            let milliseconds = begun.elapsed().as_millis();
            tracing::info!(status = response.status().as_u16(), milliseconds, "{line}");
            told_of(traced, response)
        }
        .instrument(span)
        .await
    }
}

impl Within for Site {
    fn has(&self, host: &str) -> bool {
        chaining_target(host).is_some()
    }

    fn answer(self: Arc<Self>, mut request: Request<WasiBody>, depth: u8) -> Answering {
        Box::pin(async move {
            let host = request.uri().host().unwrap_or_default().to_owned();
            let target = chaining_target(&host).and_then(|component| self.components.get(component));
            // Only components of this trigger are in this process.
            let target = target.ok_or(Error::DestinationNotFound)?;
            let line = RequestLine::of(&request);
            let path = request.uri().path().to_owned();
            let found = Match { pattern: &self.everything, target, parameters: Vec::new(), path_info: path };
            let headers = told("http", COMPONENT, &request, &found).ok_or(Error::HttpRequestUriInvalid)?;
            put(request.headers_mut(), headers);
            let traced = self.tracing.get().map(|tracing| tracing.request(&request, "http"));
            if let Some(span) = &traced {
                span.of_component(&target.component);
            }
            let origin = origin(traced.as_ref(), depth, &mut request);
            let response = target.instances.answer(request, origin).await;
            Ok(told_of(traced, response.unwrap_or_else(|failure| failure.answer(&line))))
        })
    }
}

impl Site {
    /// Routes, and the targets of components, also those without a route.
    /// `everything` matches every path.
    pub(super) fn new(
        router: Router<Arc<Target>>,
        components: BTreeMap<String, Arc<Target>>,
        everything: Pattern,
        info: Info,
        scheme: &'static str,
    ) -> Self {
        Self { router, components, everything, info, scheme, tracing: OnceLock::new() }
    }

    /// Makes spans of requests from now on.
    pub(super) fn trace(&self, tracing: Tracing) {
        // It is called once.
        let _ = self.tracing.set(tracing);
    }

    /// `http` or `https`.
    pub(super) fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// All routes, in the order of precedence.
    pub(super) fn routes(&self) -> impl Iterator<Item = (&Pattern, &Target)> {
        self.router.iter().map(|(pattern, target)| (pattern, &**target))
    }

    async fn answer_client(
        &self,
        request: Request<Incoming>,
        client: SocketAddr,
        span: &Span,
        traced: Option<&RequestSpan>,
    ) -> Result<Response<Body>, Failure> {
        if let Some(name) = request.uri().path().strip_prefix(WELL_KNOWN) {
            return Ok(self.well_known(name));
        }
        let mut request = with_absolute_uri(request).ok_or(Failure::BadRequest)?;
        let path = request.uri().path().to_owned();
        let Some(found) = self.router.find(&path) else { return Ok(status(StatusCode::NOT_FOUND)) };
        let headers = told(self.scheme, client, &request, &found).ok_or(Failure::BadRequest)?;
        put(request.headers_mut(), headers);
        span.record("component", found.target.component.as_str()).record("route", found.pattern.raw());
        if let Some(span) = traced {
            span.of_component(&found.target.component);
            span.by_route(found.pattern.raw());
        }
        let mut request = request.map(|body| body.map_err(Error::from).boxed_unsync());
        let origin = origin(traced, 0, &mut request);
        found.target.instances.answer(request, origin).await
    }

    fn well_known(&self, name: &str) -> Response<Body> {
        match name {
            "health" => Response::new(whole("OK")),
            "info" => match serde_json::to_vec(&self.info) {
                Ok(json) => {
                    let mut response = Response::new(whole(json));
                    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                    response
                }
                Err(_) => status(StatusCode::INTERNAL_SERVER_ERROR),
            },
            _ => status(StatusCode::NOT_FOUND),
        }
    }
}

/// What a request is to its instance. With a span, its headers say that the
/// span led to it.
fn origin<B>(traced: Option<&RequestSpan>, depth: u8, request: &mut Request<B>) -> Origin {
    let headers = traced.map(RequestSpan::headers);
    for (name, value) in headers.iter().flatten() {
        request.headers_mut().insert(name, value.clone());
    }
    Origin { depth, headers: headers.map(Arc::new) }
}

/// A response that its span, where it has one, was told of.
fn told_of(traced: Option<RequestSpan>, response: Response<Body>) -> Response<Body> {
    match traced {
        Some(span) => span.answered(response),
        None => response,
    }
}

/// What a guest is told of its request. None where a header cannot have it:
/// names of parameters were checked with the route, but a path may have any
/// byte.
fn told<B, T>(
    scheme: &str,
    client: SocketAddr,
    request: &Request<B>,
    found: &Match<'_, T>,
) -> Option<Vec<(HeaderName, HeaderValue)>> {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let path_and_query = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let headers = request_headers(&route::Request { scheme, host, path_and_query, client }, found);
    let header = |(name, value): (Cow<'static, str>, Cow<'_, str>)| {
        let name = match name {
            Cow::Borrowed(name) => HeaderName::from_static(name),
            Cow::Owned(name) => HeaderName::try_from(name).ok()?,
        };
        let value = match value {
            Cow::Borrowed(value) => HeaderValue::from_bytes(value.as_bytes()),
            Cow::Owned(value) => HeaderValue::try_from(value),
        };
        Some((name, value.ok()?))
    };
    headers.into_iter().map(header).collect()
}

/// Puts what a guest is told in the place of what a client says of it.
fn put(headers: &mut HeaderMap, told: Vec<(HeaderName, HeaderValue)>) {
    let forged: Vec<HeaderName> = headers.keys().filter(|name| is_spin_header(name.as_str())).cloned().collect();
    for name in forged {
        headers.remove(name);
    }
    headers.reserve(told.len());
    for (name, value) in told {
        headers.append(name, value);
    }
}

/// A response without a body.
fn status(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(whole(""));
    *response.status_mut() = code;
    response
}
