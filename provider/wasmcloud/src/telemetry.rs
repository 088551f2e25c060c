//! What OpenTelemetry shows of calls where the host has it on: each call as a
//! span in the trace of the component, how long calls take, how many sessions
//! there are.

use std::time::Duration;

use lattice_nats::HeaderMap;
use tracing::{Span, field, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use wasmcloud_provider_sdk::core::TraceContext;
use wasmcloud_provider_sdk::wasmcloud_tracing::context::get_span_context;
use wasmcloud_provider_sdk::wasmcloud_tracing::{Histogram, KeyValue, global};

use crate::NAME;
use crate::links::{Caller, Grant};

/// The headers that say to which trace a call belongs (W3C Trace Context).
const TRACE: [&str; 2] = ["traceparent", "tracestate"];

/// Seconds that tell calls apart: on one machine they take a tenth of a
/// millisecond, and the edge waits for half a minute.
const BOUNDARIES: [f64; 12] = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0];

/// The span of a call, which is not begun.
pub(crate) fn span(caller: &Caller, headers: Option<&HeaderMap>) -> Span {
    let span = info_span!("call", component = caller.component, link = caller.link, volume = field::Empty);
    let trace: TraceContext =
        TRACE.into_iter().filter_map(|name| Some((name.to_owned(), headers?.get(name)?.as_str().to_owned()))).collect();
    if !trace.is_empty() {
        // An error means that nobody collects traces.
        let _ = span.set_parent(get_span_context(&trace));
    }
    span
}

/// How long the calls of components take.
#[derive(Clone)]
pub(crate) struct Calls {
    seconds: Histogram<f64>,
}

impl Calls {
    pub(crate) fn new() -> Self {
        let seconds = global::meter(NAME)
            .f64_histogram("larder.call.duration")
            .with_unit("s")
            .with_description("How long calls of components take in the provider")
            .with_boundaries(BOUNDARIES.to_vec())
            .build();
        Self { seconds }
    }

    pub(crate) fn answered(&self, grant: &Grant, took: Duration) {
        self.seconds.record(took.as_secs_f64(), &[KeyValue::new("larder.volume", grant.volume.clone())]);
    }
}

/// Lets the number of sessions be read; `None` when there is no server.
pub(crate) fn observe_sessions(sessions: impl Fn() -> Option<usize> + Send + Sync + 'static) {
    global::meter(NAME)
        .u64_observable_gauge("larder.sessions")
        .with_description("Sessions of components and of larder's clients")
        .with_callback(move |observer| {
            if let Some(sessions) = sessions() {
                observer.observe(sessions as u64, &[]);
            }
        })
        .build();
}
