//! A collector of OpenTelemetry that speaks OTLP over HTTP, in protobuf, and
//! shows what it got.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric, number_data_point};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message;

use crate::until;

/// Attributes, their values as text.
pub type Attributes = BTreeMap<String, String>;

/// A span that came.
#[derive(Clone, Debug)]
pub struct Span {
    /// Its name.
    pub name: String,
    /// Whether it is of a server.
    pub is_server: bool,
    /// In hexadecimal digits.
    pub trace: String,
    /// In hexadecimal digits.
    pub id: String,
    /// In hexadecimal digits; empty for one without a parent.
    pub parent: String,
    /// What it says.
    pub attributes: Attributes,
    /// Whether it says that something failed.
    pub failed: bool,
    /// `service.name` of its resource.
    pub service: String,
}

/// A number that came.
#[derive(Clone, Debug)]
pub struct Point {
    /// The metric's name.
    pub metric: String,
    /// Its unit.
    pub unit: String,
    /// Which series of it.
    pub attributes: Attributes,
    /// The number.
    pub value: i64,
    /// `service.name` of its resource.
    pub service: String,
}

/// What a collector does with requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Takes,
    /// It accepts connections, reads, and never answers.
    Hangs,
}

#[derive(Debug, Default)]
struct Received {
    /// Paths of requests, with their content types.
    requests: Vec<String>,
    spans: Vec<Span>,
    points: Vec<Point>,
}

/// A collector on a free port of this host, until the test ends.
#[derive(Clone, Debug)]
pub struct Collector {
    port: u16,
    received: Arc<Mutex<Received>>,
}

impl Collector {
    /// One that takes all that comes.
    ///
    /// # Panics
    /// Where there is no free port.
    #[must_use]
    pub fn start() -> Self {
        Self::with(Manner::Takes)
    }

    /// One that never answers.
    ///
    /// # Panics
    /// Where there is no free port.
    #[must_use]
    pub fn hanging() -> Self {
        Self::with(Manner::Hangs)
    }

    /// The address of one that is not there.
    ///
    /// # Panics
    /// Where there is no free port.
    #[must_use]
    pub fn away() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    }

    fn with(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::<Mutex<Received>>::default();
        let all = Arc::clone(&received);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let received = Arc::clone(&all);
                std::thread::spawn(move || while answer(&stream, manner, &received).is_some() {});
            }
        });
        Self { port, received }
    }

    /// For `OTEL_EXPORTER_OTLP_ENDPOINT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn received(&self) -> MutexGuard<'_, Received> {
        locked(&self.received)
    }

    /// The requests that came: path and content type.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.received().requests.clone()
    }

    /// The spans that came.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        self.received().spans.clone()
    }

    /// Waits for a span.
    ///
    /// # Panics
    /// Where none comes within [`PATIENCE`](crate::PATIENCE).
    #[must_use]
    pub fn span(&self, which: impl Fn(&Span) -> bool) -> Span {
        until("a span", || self.spans().into_iter().find(|span| which(span)))
    }

    /// The newest number of a series; none where it never came. `attributes`
    /// are all that it has.
    #[must_use]
    pub fn value(&self, metric: &str, attributes: &[(&str, &str)]) -> Option<i64> {
        let wanted: Attributes =
            attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let received = self.received();
        let mut points = received.points.iter().rev();
        points.find(|point| point.metric == metric && point.attributes == wanted).map(|point| point.value)
    }

    /// All numbers that came.
    #[must_use]
    pub fn points(&self) -> Vec<Point> {
        self.received().points.clone()
    }
}

fn locked(received: &Mutex<Received>) -> MutexGuard<'_, Received> {
    received.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers one request of a connection; none at its end.
fn answer(stream: &TcpStream, manner: Manner, received: &Mutex<Received>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    let mut content_type = String::new();
    loop {
        line.clear();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "content-type" => value.trim().clone_into(&mut content_type),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    {
        let mut received = locked(received);
        received.requests.push(format!("{path} {content_type}"));
        match path.as_str() {
            "/v1/traces" => received.spans.extend(spans(&body)),
            "/v1/metrics" => received.points.extend(points(&body)),
            other => panic!("{other} is no path of OTLP"),
        }
    }
    if manner == Manner::Hangs {
        // Until the other side gives up.
        let _ = reader.read(&mut [0]);
        return None;
    }
    // An answer without a field has no bytes in protobuf.
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
    let mut stream = stream;
    stream.write_all(head.as_bytes()).ok()
}

fn spans(body: &[u8]) -> Vec<Span> {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let mut all = Vec::new();
    for of_resource in &request.resource_spans {
        let service = service(of_resource.resource.as_ref());
        for span in of_resource.scope_spans.iter().flat_map(|scope| &scope.spans) {
            all.push(Span {
                name: span.name.clone(),
                is_server: span.kind == SpanKind::Server as i32,
                trace: hexadecimal(&span.trace_id),
                id: hexadecimal(&span.span_id),
                parent: hexadecimal(&span.parent_span_id),
                attributes: attributes(&span.attributes),
                failed: span.status.as_ref().is_some_and(|status| status.code == StatusCode::Error as i32),
                service: service.clone(),
            });
        }
    }
    all
}

fn points(body: &[u8]) -> Vec<Point> {
    let request = ExportMetricsServiceRequest::decode(body).unwrap();
    let mut all = Vec::new();
    for of_resource in &request.resource_metrics {
        let service = service(of_resource.resource.as_ref());
        for metric in of_resource.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
            all.extend(points_of(metric, &service));
        }
    }
    all
}

fn points_of(metric: &Metric, service: &str) -> Vec<Point> {
    let points = match &metric.data {
        Some(metric::Data::Gauge(gauge)) => &gauge.data_points,
        Some(metric::Data::Sum(sum)) => {
            assert!(sum.is_monotonic, "{}", metric.name);
            &sum.data_points
        }
        other => panic!("{}: {other:?}", metric.name),
    };
    let point = |point: &opentelemetry_proto::tonic::metrics::v1::NumberDataPoint| Point {
        metric: metric.name.clone(),
        unit: metric.unit.clone(),
        attributes: attributes(&point.attributes),
        value: match point.value {
            Some(number_data_point::Value::AsInt(value)) => value,
            other => panic!("{}: {other:?}", metric.name),
        },
        service: service.to_owned(),
    };
    points.iter().map(point).collect()
}

fn service(resource: Option<&Resource>) -> String {
    let all = resource.map(|resource| attributes(&resource.attributes)).unwrap_or_default();
    all.get("service.name").cloned().unwrap_or_default()
}

fn attributes(all: &[KeyValue]) -> Attributes {
    all.iter().map(|pair| (pair.key.clone(), text(pair.value.as_ref()))).collect()
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
