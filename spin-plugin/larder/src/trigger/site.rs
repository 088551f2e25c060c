//! What answers a request: the trigger with its route, or this process itself.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use larder_spin_app::lock::AppMetadata;
use larder_spin_app::route::{self, Router, WELL_KNOWN, is_spin_header, request_headers};
use serde::Serialize;

use crate::runtime::{Answer, Body, Failure, Instances, RequestLine, whole, with_absolute_uri};

/// What answers requests with a route.
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
    pub(super) router: Router<Target>,
    pub(super) info: Info,
    /// `http` or `https`.
    pub(super) scheme: &'static str,
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
        let response = self.answer(request, client).await.unwrap_or_else(|failure| {
            if let Failure::Guest(why) = &failure {
                crate::notice(&format!("{line}: {why}"));
            }
            failure.response()
        });
        tracing::info!(status = response.status().as_u16(), "{line}");
        response
    }
}

impl Site {
    async fn answer(&self, request: Request<Incoming>, client: SocketAddr) -> Result<Response<Body>, Failure> {
        if let Some(name) = request.uri().path().strip_prefix(WELL_KNOWN) {
            return Ok(self.well_known(name));
        }
        let mut request = with_absolute_uri(request).ok_or(Failure::BadRequest)?;
        let path = request.uri().path().to_owned();
        let Some(found) = self.router.find(&path) else { return Ok(status(StatusCode::NOT_FOUND)) };
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).map(str::to_owned);
        let path_and_query = request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned();
        let told = request_headers(
            &route::Request { scheme: self.scheme, host: host.as_deref(), path_and_query: &path_and_query, client },
            &found,
        );
        let headers = request.headers_mut();
        let forged: Vec<HeaderName> = headers.keys().filter(|name| is_spin_header(name.as_str())).cloned().collect();
        for name in forged {
            headers.remove(name);
        }
        for (name, value) in told {
            // Names of parameters were checked with the route; a path may have
            // bytes that a header cannot.
            let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) else {
                return Err(Failure::BadRequest);
            };
            headers.append(name, value);
        }
        found.target.instances.answer(request).await
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

/// A response without a body.
fn status(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(whole(""));
    *response.status_mut() = code;
    response
}
