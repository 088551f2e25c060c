//! What the provider tells a collector of OpenTelemetry's.

use anyhow::{Result, ensure};
use larder_lattice_tests::{Collector, Lattice, composed, eventually};

const NOTES: &str = "larder:test/notes@0.1.0";

/// The trace of a call, as its header says it, and the bytes of its number.
const TRACE: &str = "00-1f2e3d4c5b6a79880102030405060708-1122334455667788-01";
const NUMBER: [u8; 16] = [0x1f, 0x2e, 0x3d, 0x4c, 0x5b, 0x6a, 0x79, 0x88, 1, 2, 3, 4, 5, 6, 7, 8];

/// Waits until all of this was sent to a path.
async fn receives(collector: &Collector, path: &str, expected: &[&[u8]]) -> Result<()> {
    eventually(async || {
        let received = collector.received(path).await;
        for text in expected {
            let there = received.windows(text.len()).any(|piece| piece == *text);
            let text = String::from_utf8_lossy(text);
            ensure!(there, "{path} has no {text}, in {} bytes", received.len());
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_logs_and_metrics_come_to_a_collector() -> Result<()> {
    let lattice = Lattice::start().await?;
    let collector = Collector::start().await?;
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address()),
        ("OTEL_METRIC_EXPORT_INTERVAL", "500"),
        ("OTEL_BSP_SCHEDULE_DELAY", "500"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "500"),
    ];
    let host = lattice.host_with("one", "", &settings).await?;
    lattice.provider(&host, &[("volumes.data.memory", "true"), ("volumes.data.writable", "true")]).await?;
    lattice.link("traced-app", &[("volume", "data")]).await?;
    let app = lattice.path("notes.wasm");
    composed("notes.wasm", &app)?;
    lattice.component(&host, "traced-app", &app).await?;
    let (said,): (String,) = lattice.call("traced-app", NOTES, "add", ()).await?;
    ensure!(said == "note 1 is kept", "{said}");

    // The test's host sends no trace: a call as one that does would make it.
    let nats = lattice.control.nats_client();
    let mut headers = async_nats::HeaderMap::new();
    for (name, value) in [("source-id", "traced-app"), ("link-name", "default"), ("traceparent", TRACE)] {
        headers.insert(name, value);
    }
    let subject = format!("{}.wrpc.0.0.1.larder:remote/messages@0.1.0.call", lattice.subjects("larder"));
    nats.publish_with_reply_and_headers(subject, nats.new_inbox(), headers, vec![0].into()).await?;
    nats.flush().await?;

    let service = b"larder-provider".as_slice();
    receives(&collector, "/v1/traces", &[service, b"call", b"traced-app", b"data", &NUMBER]).await?;
    receives(&collector, "/v1/logs", &[service, b"serving", b"linked"]).await?;
    receives(&collector, "/v1/metrics", &[service, b"larder.call.duration", b"larder.volume", b"larder.sessions"]).await
}
