//! Spans of HTTP requests, by OpenTelemetry's semantic conventions, and of runs
//! of commands.
//!
//! What clients say of themselves is told with bounds, and queries are not told
//! at all: they may have secrets.

use http_body_util::BodyExt;
use hyper::http::HeaderMap;
use hyper::{Method, Request, Response};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanKind, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use super::SCOPE;
use crate::runtime::{Body, Outcome};

/// Bytes of a path or a method in a span: a client chooses them.
const MOST_BYTES: usize = 1024;

/// The component that a span is of.
const COMPONENT: &str = "spin.component.id";

/// Makes spans.
#[derive(Clone, Debug)]
pub(in crate::trigger) struct Tracing {
    tracer: SdkTracer,
    propagator: TraceContextPropagator,
}

impl Tracing {
    pub(super) fn new(provider: &SdkTracerProvider) -> Self {
        Self { tracer: provider.tracer(SCOPE), propagator: TraceContextPropagator::new() }
    }

    /// The span of a request that comes in, below the one that its
    /// `traceparent` names.
    pub(in crate::trigger) fn request<B>(&self, request: &Request<B>, scheme: &'static str) -> RequestSpan {
        let parent = self.propagator.extract_with_context(&Context::new(), &HeaderExtractor(request.headers()));
        let method = well_known(request.method());
        let mut attributes = vec![
            KeyValue::new("http.request.method", method.unwrap_or("_OTHER")),
            KeyValue::new("url.scheme", scheme),
            KeyValue::new("url.path", bounded(request.uri().path())),
        ];
        if method.is_none() {
            attributes.push(KeyValue::new("http.request.method_original", bounded(request.method().as_str())));
        }
        // A name is of few: it has no method that a client made up.
        let name = method.unwrap_or("HTTP");
        let builder = self.tracer.span_builder(name).with_kind(SpanKind::Server).with_attributes(attributes);
        let context = parent.with_span(builder.start_with_context(&self.tracer, &parent));
        RequestSpan { context, name, propagator: self.propagator.clone() }
    }

    /// The span of one run of a command.
    pub(in crate::trigger) fn command(&self, component: &str) -> CommandSpan {
        let builder = self.tracer.span_builder(format!("run {component}")).with_kind(SpanKind::Internal);
        let attributes = [KeyValue::new(COMPONENT, component.to_owned())];
        let none = Context::new();
        let span = builder.with_attributes(attributes).start_with_context(&self.tracer, &none);
        CommandSpan { context: none.with_span(span) }
    }
}

/// The span of a request, which ends when this is dropped.
#[derive(Debug)]
pub(in crate::trigger) struct RequestSpan {
    context: Context,
    name: &'static str,
    propagator: TraceContextPropagator,
}

impl RequestSpan {
    /// Says which component answers.
    pub(in crate::trigger) fn of_component(&self, component: &str) {
        self.context.span().set_attribute(KeyValue::new(COMPONENT, component.to_owned()));
    }

    /// Says which route led there.
    pub(in crate::trigger) fn by_route(&self, route: &str) {
        let span = self.context.span();
        span.update_name(format!("{} {route}", self.name));
        span.set_attribute(KeyValue::new("http.route", route.to_owned()));
    }

    /// The headers that tell whoever is asked next which span led to it.
    pub(in crate::trigger) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        self.propagator.inject_context(&self.context, &mut HeaderInjector(&mut headers));
        // One without anything in it says nothing.
        if headers.get("tracestate").is_some_and(|state| state.is_empty()) {
            headers.remove("tracestate");
        }
        headers
    }

    /// Says how it was answered. The span ends with the response's body.
    pub(in crate::trigger) fn answered(self, response: Response<Body>) -> Response<Body> {
        {
            let span = self.context.span();
            let status = response.status();
            span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
            if status.is_server_error() {
                span.set_attribute(KeyValue::new("error.type", status.as_str().to_owned()));
                span.set_status(Status::error(""));
            }
        }
        // Errors are passed on as they are: what is mapped keeps its length.
        response.map(|body| {
            body.map_err(move |error| {
                let _held = &self;
                error
            })
            .boxed_unsync()
        })
    }
}

impl Drop for RequestSpan {
    fn drop(&mut self) {
        self.context.span().end();
    }
}

/// The span of a run.
#[derive(Debug)]
pub(in crate::trigger) struct CommandSpan {
    context: Context,
}

impl CommandSpan {
    /// Says how the run of `component` ended, and ends the span.
    pub(in crate::trigger) fn ended(self, outcome: &Outcome, component: &str) {
        let span = self.context.span();
        if let Outcome::Exited(code) = outcome {
            span.set_attribute(KeyValue::new("process.exit.code", i64::from(*code)));
        }
        if let Some(failure) = outcome.failure_of(component) {
            span.set_status(Status::error(bounded(&failure)));
        }
        span.end();
    }
}

/// A method's name, where it is one of HTTP's.
fn well_known(method: &Method) -> Option<&'static str> {
    const NAMES: [&str; 9] = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];
    NAMES.into_iter().find(|name| *name == method.as_str())
}

fn bounded(text: &str) -> String {
    text.get(..text.floor_char_boundary(MOST_BYTES)).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracing() -> Tracing {
        Tracing::new(&SdkTracerProvider::builder().build())
    }

    #[test]
    fn a_request_goes_on_with_the_trace_that_it_came_with() {
        let request = Request::get("/a")
            .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
            .body(())
            .unwrap();
        let headers = tracing().request(&request, "http").headers();
        let passed = headers["traceparent"].to_str().unwrap();
        assert!(passed.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && passed.ends_with("-01"), "{passed}");
        assert!(!passed.contains("b7ad6b7169203331"), "{passed}");
        assert!(!headers.contains_key("tracestate"));
    }

    #[test]
    fn a_trace_that_is_none_is_passed_over() {
        for given in ["", "00-0-0-0", "nonsense"] {
            let request = Request::get("/a").header("traceparent", given).body(()).unwrap();
            let headers = tracing().request(&request, "http").headers();
            assert_eq!(headers["traceparent"].len(), 55, "{given}");
        }
    }

    #[test]
    fn what_clients_say_is_bounded() {
        assert_eq!(bounded(&"é".repeat(MOST_BYTES)).len(), MOST_BYTES);
        assert_eq!(well_known(&Method::from_bytes(b"BREW").unwrap()), None);
        assert_eq!(well_known(&Method::PUT), Some("PUT"));
    }

    #[tokio::test]
    async fn a_body_keeps_its_length() {
        let request = Request::get("/a").body(()).unwrap();
        let response = tracing().request(&request, "http").answered(Response::new(crate::runtime::whole("12345")));
        assert_eq!(hyper::body::Body::size_hint(response.body()).exact(), Some(5));
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "12345");
    }
}
