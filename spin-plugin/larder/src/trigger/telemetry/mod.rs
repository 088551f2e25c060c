//! What the trigger tells a collector of OpenTelemetry: a span for each request
//! and each run of a command, and what happens to the volumes as metrics.
//!
//! | Module | What lives there |
//! |---|---|
//! | [`settings`] | the environment: whether anything is sent, and what is refused |
//! | [`collector`] | the HTTP client that batches are sent with |
//! | [`spans`] | requests and commands |
//! | [`metrics`] | volumes |
//!
//! What does not live here: logs ([`logs`](super::logs)), and the counting of
//! operations, which is the store's (`larder_core::Counts`).
//!
//! Nobody waits for the collector: spans go into a queue with a bound and are
//! dropped when it is full, and threads of the SDK send. At the end they get
//! [`MOST_FLUSH`].

mod collector;
mod metrics;
mod settings;
mod spans;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use larder_core::Volume;
use opentelemetry_http::HttpClient;
use opentelemetry_otlp::{MetricExporter, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;

use collector::Collector;
pub(super) use settings::Settings;
pub(super) use spans::{RequestSpan, Tracing};

/// The name of what spans and metrics come from.
const SCOPE: &str = "larder";

/// Time at the end for what was not sent yet. Guards the end of the app against
/// a collector that is away or does not answer.
const MOST_FLUSH: Duration = Duration::from_secs(5);

/// What is told while the app runs.
pub(super) struct Telemetry {
    spans: Option<SdkTracerProvider>,
    metrics: Option<SdkMeterProvider>,
}

impl Telemetry {
    /// Begins to tell of `volumes`, by their names in the manifest, whose
    /// operations are counted from now on. Call it within a Tokio runtime, which
    /// sends.
    ///
    /// # Errors
    /// When the environment names no usable collector.
    pub(super) fn start(settings: &Settings, app: &str, volumes: Vec<(String, Arc<Volume>)>) -> Result<Self> {
        let resource = resource(settings, app);
        let client: Arc<dyn HttpClient> = Arc::new(Collector::new(settings)?);
        let unusable = "OpenTelemetry (`OTEL_EXPORTER_OTLP_…`)";
        let spans = settings.spans().then(|| {
            let exporter = SpanExporter::builder()
                .with_http()
                .with_protocol(Protocol::HttpBinary)
                .with_shared_http_client(Arc::clone(&client))
                .build()
                .context(unusable)?;
            let provider = SdkTracerProvider::builder().with_resource(resource.clone()).with_batch_exporter(exporter);
            anyhow::Ok(provider.build())
        });
        let spans = spans.transpose()?;
        let metrics = settings.metrics().then(|| {
            let exporter = MetricExporter::builder()
                .with_http()
                .with_protocol(Protocol::HttpBinary)
                .with_shared_http_client(client)
                .build()
                .context(unusable)?;
            anyhow::Ok(metrics::observe(exporter, resource, volumes))
        });
        Ok(Self { spans, metrics: metrics.transpose()? })
    }

    /// What makes spans; none where they are not sent.
    pub(super) fn tracing(&self) -> Option<Tracing> {
        self.spans.as_ref().map(Tracing::new)
    }

    /// Sends what was not sent yet, within [`MOST_FLUSH`].
    pub(super) async fn stop(self) {
        let Self { spans, metrics } = self;
        // Both block until the collector has it.
        let spans = tokio::task::spawn_blocking(move || spans.map(|spans| spans.shutdown_with_timeout(MOST_FLUSH)));
        let metrics = tokio::task::spawn_blocking(move || metrics.map(|metrics| metrics.shutdown()));
        let both = async { tokio::join!(spans, metrics) };
        // What went wrong was told when it was sent.
        if tokio::time::timeout(MOST_FLUSH, both).await.is_err() {
            crate::notice(&format!(
                "the OpenTelemetry collector did not take the last telemetry within {MOST_FLUSH:?}"
            ));
        }
    }
}

/// What spans and metrics are of: the app, unless the environment names it.
fn resource(settings: &Settings, app: &str) -> Resource {
    let resource = Resource::builder();
    if settings.names_service() { resource } else { resource.with_service_name(app.to_owned()) }.build()
}
