//! What a collector of OpenTelemetry is told, and that nobody waits for it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::time::{Duration, Instant};

use larder_test_spin::collector::{Collector, Span};
use larder_test_spin::{App, Component, Project, Up};
use serde_json::json;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// The most that the end of an app waits for a collector, and some for the rest
/// of the end on a busy machine.
const MOST_END: Duration = Duration::from_secs(5 + 10);

/// The trace and the parent that a client names.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

fn app() -> App {
    App::new("told")
        .volume("data", json!({ "memory": true, "limits": { "bytes": "1MiB", "inodes": 100 } }))
        .component(Component::guest("web", "spin-files"))
        .trigger(json!({
            "component": "web",
            "route": "/files/...",
            "mounts": [{ "volume": "data", "path": "/data" }],
        }))
}

/// Without the waits that are usual between two batches.
fn told<'p>(project: &'p Project, app: &App, collector: &Collector) -> Up<'p> {
    project
        .up(app)
        .env(ENDPOINT, collector.url())
        .env("OTEL_BSP_SCHEDULE_DELAY", "50")
        .env("OTEL_METRIC_EXPORT_INTERVAL", "100")
}

fn with_path(path: &str) -> impl Fn(&Span) -> bool {
    move |span| span.attributes.get("url.path").is_some_and(|known| known == path)
}

#[test]
fn a_request_is_a_span() {
    let (project, collector) = (Project::new(), Collector::start());
    let (plugin, site) = told(&project, &app(), &collector).serve();
    let parent = format!("00-{TRACE}-{PARENT}-01");
    let written = site.request("PUT", "/files/write?path=/data/a&secret=x", &[("traceparent", &parent)], b"content");
    assert_eq!(written.status, 204);
    let span = collector.span(with_path("/files/write"));
    assert_eq!(span.name, "PUT /files/...");
    assert!(span.is_server && !span.failed, "{span:?}");
    assert_eq!((span.trace.as_str(), span.parent.as_str()), (TRACE, PARENT));
    assert_eq!(span.service, "told");
    for (name, value) in [
        ("http.request.method", "PUT"),
        ("http.route", "/files/..."),
        ("http.response.status_code", "204"),
        ("url.scheme", "http"),
        ("spin.component.id", "web"),
    ] {
        assert_eq!(span.attributes.get(name).map(String::as_str), Some(value), "{span:?}");
    }
    assert!(!format!("{span:?}").contains("secret"), "{span:?}");
    // Without a parent it begins a trace.
    assert_eq!(site.get("/files/read?path=/data/none").status, 404);
    let span = collector.span(with_path("/files/read"));
    assert_eq!((span.parent.as_str(), span.attributes["http.response.status_code"].as_str()), ("", "404"));
    assert!(!span.failed && span.trace != TRACE, "{span:?}");
    // A failure of the app is one of the span.
    assert_eq!(site.get("/files/trap").status, 500);
    let span = collector.span(with_path("/files/trap"));
    assert!(span.failed && span.attributes["http.response.status_code"] == "500", "{span:?}");
    // No route has a name of its own.
    assert_eq!(site.get("/elsewhere").status, 404);
    let span = collector.span(with_path("/elsewhere"));
    assert_eq!(span.name, "GET");
    assert!(!span.attributes.contains_key("http.route"), "{span:?}");
    plugin.stop();
    assert!(collector.requests().contains(&"/v1/traces application/x-protobuf".to_owned()));
}

/// The guest sees which span led to it, and what it asks is below that.
#[test]
fn a_trace_goes_on_through_components() {
    let (project, collector) = (Project::new(), Collector::start());
    let app = App::new("told")
        .component(Component::guest("front", "spin-files").allowed_outbound_hosts(&["http://back.spin.internal"]))
        .component(Component::guest("back", "spin-files"))
        .trigger(json!({ "component": "front", "route": "/..." }))
        .trigger(json!({ "component": "back", "route": { "private": true } }));
    let (_plugin, site) = told(&project, &app, &collector).serve();
    let parent = format!("00-{TRACE}-{PARENT}-01");
    let seen = site.request("GET", "/headers", &[("traceparent", &parent)], b"").ok();
    let front = collector.span(with_path("/headers"));
    assert!(seen.contains(&format!("traceparent: 00-{TRACE}-{}-01\n", front.id)), "{front:?}: {seen}");

    let out = "/out?url=http://back.spin.internal/env?name=none";
    site.request("GET", out, &[("traceparent", &parent)], b"").ok();
    let front = collector.span(with_path("/out"));
    let back = collector.span(with_path("/env"));
    assert_eq!((back.trace.as_str(), &back.parent), (TRACE, &front.id), "{front:?}, {back:?}");
    assert_eq!(back.attributes["spin.component.id"], "back");
}

#[test]
fn a_run_of_a_command_is_a_span() {
    let (project, collector) = (Project::new(), Collector::start());
    let command = |component: &str, arguments: &[&str]| {
        json!({ "component": component, "kind": "command", "args": arguments,
            "mounts": [{ "volume": "data", "path": "/data" }] })
    };
    let app = App::new("batch")
        .volume("data", json!({ "memory": true }))
        .component(Component::guest("writer", "rust-files").env("PAUSE_MS", "0"))
        .component(Component::guest("failer", "rust-files"))
        .trigger(command("writer", &["write-loop", "/data/log", "3"]))
        .trigger(command("failer", &["exit", "7"]));
    // All of it is sent at the end, whatever the intervals.
    let ended = project.up(&app).env(ENDPOINT, collector.url()).env("OTEL_SERVICE_NAME", "named").ends();
    assert_eq!(ended.code, 1, "{ended}");
    let find = |name: &str| collector.spans().into_iter().find(|span| span.name == name).unwrap();
    let (writer, failer) = (find("run writer"), find("run failer"));
    assert!(!writer.failed && !writer.is_server && writer.parent.is_empty(), "{writer:?}");
    assert_eq!((writer.attributes["process.exit.code"].as_str(), writer.service.as_str()), ("0", "named"));
    // WASI 0.2 has no other code than that of failure.
    assert!(failer.failed && failer.attributes["process.exit.code"] == "1", "{failer:?}");
    let written = collector.value("larder.volume.io", &[("volume", "data"), ("direction", "write")]);
    assert_eq!(written, i64::try_from("line 1\nline 2\nline 3\n".len()).ok());
    assert!(collector.points().iter().all(|point| point.service == "named"));
}

#[test]
fn a_volume_is_told_by_operation() {
    let (project, collector) = (Project::new(), Collector::start());
    let (plugin, site) = told(&project, &app(), &collector).serve();
    let content = vec![b'x'; 10_000];
    site.put("/files/write?path=/data/a", &content).ok();
    site.post("/files/append?path=/data/log", "line").ok();
    assert_eq!(site.get("/files/read?path=/data/a").ok().len(), content.len());
    assert_eq!(site.get("/files/read?path=/data/none").status, 404);
    assert_eq!(site.get("/files/list?path=/data").ok(), "a\nlog\n");
    site.post("/files/sync?path=/data/a", "").ok();
    // The last numbers are of the end.
    plugin.stop();
    let operations = |operation: &str, outcome: &str| {
        let series = [("volume", "data"), ("operation", operation), ("outcome", outcome)];
        collector.value("larder.volume.operations", &series).unwrap_or_default()
    };
    assert_eq!(operations("sync", "ok"), 1);
    // Two are created, one is read, one is synced; the list may open as well.
    assert!(operations("open", "ok") >= 4, "{:?}", collector.points());
    assert_eq!(operations("open", "error"), 1);
    assert!(operations("write", "ok") + operations("append", "ok") >= 2, "{:?}", collector.points());
    assert!(operations("read", "ok") >= 1 && operations("read-directory", "ok") >= 1, "{:?}", collector.points());
    assert_eq!((operations("unlink", "ok"), operations("unlink", "error")), (0, 0));
    let io = |direction| collector.value("larder.volume.io", &[("volume", "data"), ("direction", direction)]);
    assert_eq!((io("read"), io("write")), (Some(10_000), Some(10_000 + 5)));
    let gauge = |name: &str| collector.value(&format!("larder.volume.{name}"), &[("volume", "data")]);
    assert_eq!((gauge("bytes.limit"), gauge("inodes.limit")), (Some(1 << 20), Some(100)));
    assert_eq!((gauge("inodes.usage"), gauge("descriptors.limit")), (Some(3), Some(1 << 16)));
    assert!(gauge("bytes.usage").is_some_and(|bytes| bytes > 10_000), "{:?}", collector.points());
    assert!(gauge("descriptors.usage").is_some_and(|open| open < 100), "{:?}", collector.points());
    let units: Vec<_> = collector.points().into_iter().filter(|point| point.metric == "larder.volume.io").collect();
    assert!(units.iter().all(|point| point.unit == "By"), "{units:?}");
    assert!(collector.requests().contains(&"/v1/metrics application/x-protobuf".to_owned()));
}

/// The one that is not configured is told of as well.
#[test]
fn a_store_is_told_of_with_its_volume() {
    let (project, collector) = (Project::new(), Collector::start());
    let app = App::new("told")
        .component(Component::guest("api", "spin-7-api").key_value_stores(&["default"]))
        .trigger(json!({ "component": "api", "route": "/..." }));
    let (plugin, site) = told(&project, &app, &collector).serve();
    assert_eq!(site.get("/values").ok(), "ok");
    plugin.stop();
    let of = ("volume", "key-value/default");
    assert!(collector.value("larder.volume.io", &[of, ("direction", "write")]).is_some_and(|bytes| bytes > 0));
    // The guest leaves nothing in it but the store's directory, if that.
    assert!(collector.value("larder.volume.inodes.usage", &[of]).is_some_and(|inodes| inodes > 0));
}

#[test]
fn nothing_is_sent_unless_it_is_asked_for() {
    let collector = Collector::start();
    let url = collector.url();
    for variables in [
        &[][..],
        &[("OTEL_SERVICE_NAME", "a")],
        &[(ENDPOINT, url.as_str()), ("OTEL_SDK_DISABLED", "true")],
        &[(ENDPOINT, url.as_str()), ("OTEL_TRACES_EXPORTER", "none"), ("OTEL_METRICS_EXPORTER", "none")],
    ] {
        let project = Project::new();
        let up = variables.iter().fold(project.up(&app()), |up, (name, value)| up.env(name, value));
        let (plugin, site) = up.serve();
        let given = [("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")];
        let seen = site.request("GET", "/files/headers", &given, b"").ok();
        assert!(seen.contains("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n"), "{seen}");
        plugin.stop();
    }
    assert!(collector.requests().is_empty(), "{:?}", collector.requests());
    // One signal alone.
    let project = Project::new();
    let traces = format!("{url}/v1/traces");
    let (plugin, site) = project.up(&app()).env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", traces).serve();
    site.get("/files/count").ok();
    plugin.stop();
    assert!(!collector.spans().is_empty() && collector.points().is_empty(), "{:?}", collector.requests());
}

/// Requests of a client are answered as fast as they are without a collector,
/// and the end waits for it no longer than it may.
fn nobody_waits_for(endpoint: &str) {
    let project = Project::new();
    let up = project.up(&app()).env(ENDPOINT, endpoint);
    let (plugin, site) = up.env("OTEL_BSP_SCHEDULE_DELAY", "10").env("OTEL_METRIC_EXPORT_INTERVAL", "10").serve();
    site.get("/files/count").ok();
    // More than the queue of spans holds, by a client that takes turns.
    let begun = Instant::now();
    let mut connection = site.connect().unwrap();
    for _ in 0..3000 {
        assert_eq!(connection.request("GET", "/none", &[], b"").unwrap().status, 404);
    }
    // Each batch that somebody waited for would take 10 s, and there are six.
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    site.put("/files/write?path=/data/a", "content").ok();
    let begun = Instant::now();
    let ended = plugin.stop();
    assert!(begun.elapsed() < MOST_END, "{:?}", begun.elapsed());
    assert!(!ended.err.contains("panicked"), "{ended}");
    // It is told once, not with each batch.
    let told = ended.err.lines().filter(|line| line.contains("did not reach the OpenTelemetry collector")).count();
    assert!(told <= 1, "{ended}");
}

#[test]
fn nobody_waits_for_a_collector_that_is_away() {
    nobody_waits_for(&Collector::away());
}

#[test]
fn nobody_waits_for_a_collector_that_hangs() {
    nobody_waits_for(&Collector::hanging().url());
}

#[test]
fn who_misses_telemetry_is_told_why() {
    let project = Project::new();
    let away = Collector::away();
    let (mut plugin, site) = project.up(&app()).env(ENDPOINT, &away).env("OTEL_BSP_SCHEDULE_DELAY", "10").serve();
    site.get("/files/count").ok();
    let line = plugin.wait_for("did not reach the OpenTelemetry collector");
    assert!(line.contains(&away), "{line}");
}

#[test]
fn other_protocols_are_refused() {
    let (project, collector) = (Project::new(), Collector::start());
    for (name, value, told) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc", "4318"),
        ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/json", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem", "SSL_CERT_FILE"),
    ] {
        project.up(&app()).env(ENDPOINT, collector.url()).env(name, value).refuses(&[name, told]);
    }
    project.up(&app()).env(ENDPOINT, "no address at all").refuses(&["OTEL_EXPORTER_OTLP"]);
    assert!(collector.requests().is_empty(), "{:?}", collector.requests());
}
