//! Volumes as metrics: what `larder df` tells, and the operations that the
//! store counted. Read when they are sent, which is every 60 seconds unless
//! `OTEL_METRIC_EXPORT_INTERVAL` says otherwise, and at the end.

use std::sync::Arc;

use larder_core::{OperationKind, Volume};
use larder_spin_app::config::MOST_VOLUMES;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter, MeterProvider};
use opentelemetry_otlp::MetricExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{Instrument, SdkMeterProvider, Stream};

use super::SCOPE;

/// Sets of attributes of one metric: each operation of each volume, by its
/// outcome. Guards the memory of the SDK, which keeps one number for each.
const MOST_SERIES: usize = (MOST_VOLUMES + OWN_STORES) * OperationKind::ALL.len() * 2;

/// Stores that have a volume without being configured: `default`.
const OWN_STORES: usize = 1;

/// Volumes, and what they are called.
type Volumes = Arc<[(String, Arc<Volume>)]>;

/// Counts operations of `volumes` from now on, and sends what is known of them
/// by `exporter`.
pub(super) fn observe(
    exporter: MetricExporter,
    resource: Resource,
    volumes: Vec<(String, Arc<Volume>)>,
) -> SdkMeterProvider {
    for (_, volume) in &volumes {
        volume.count_operations();
    }
    let series = |_: &Instrument| Stream::builder().with_cardinality_limit(MOST_SERIES).build().ok();
    let provider =
        SdkMeterProvider::builder().with_resource(resource).with_view(series).with_periodic_exporter(exporter).build();
    instruments(&provider.meter(SCOPE), &volumes.into());
    provider
}

fn instruments(meter: &Meter, volumes: &Volumes) {
    let of = Arc::clone(volumes);
    meter
        .u64_observable_counter("larder.volume.operations")
        .with_unit("{operation}")
        .with_description("Operations on a volume, of all guests")
        .with_callback(move |observer| observe_operations(observer, &of))
        .build();
    let of = Arc::clone(volumes);
    meter
        .u64_observable_counter("larder.volume.io")
        .with_unit("By")
        .with_description("Bytes of content that were read from a volume or written to it")
        .with_callback(move |observer| observe_io(observer, &of))
        .build();
    gauge(meter, volumes, "larder.volume.bytes.usage", "By", |volume| Some(volume.usage().bytes));
    gauge(meter, volumes, "larder.volume.bytes.limit", "By", |volume| bound(volume.limits().bytes));
    gauge(meter, volumes, "larder.volume.inodes.usage", "{inode}", |volume| Some(volume.usage().inodes));
    gauge(meter, volumes, "larder.volume.inodes.limit", "{inode}", |volume| bound(volume.limits().inodes));
    gauge(meter, volumes, "larder.volume.descriptors.usage", "{descriptor}", |volume| {
        Some(volume.usage().open_handles)
    });
    gauge(meter, volumes, "larder.volume.descriptors.limit", "{descriptor}", |volume| {
        bound(volume.limits().open_handles)
    });
}

/// A limit that is one.
const fn bound(limit: u64) -> Option<u64> {
    if limit == u64::MAX { None } else { Some(limit) }
}

fn gauge(
    meter: &Meter,
    volumes: &Volumes,
    name: &'static str,
    unit: &'static str,
    value: impl Fn(&Volume) -> Option<u64> + Send + Sync + 'static,
) {
    let volumes = Arc::clone(volumes);
    meter
        .u64_observable_gauge(name)
        .with_unit(unit)
        .with_callback(move |observer| {
            for (name, volume) in volumes.iter() {
                if let Some(value) = value(volume) {
                    observer.observe(value, &[of_volume(name)]);
                }
            }
        })
        .build();
}

fn of_volume(name: &str) -> KeyValue {
    KeyValue::new("volume", name.to_owned())
}

/// What never happened has no series.
fn observe_operations(observer: &dyn AsyncInstrument<u64>, volumes: &Volumes) {
    for (name, volume) in volumes.iter() {
        for count in volume.counts().into_iter().flat_map(|counts| counts.operations) {
            for (outcome, number) in [("ok", count.succeeded), ("error", count.failed)] {
                if number > 0 {
                    let operation = KeyValue::new("operation", count.kind.name());
                    observer.observe(number, &[of_volume(name), operation, KeyValue::new("outcome", outcome)]);
                }
            }
        }
    }
}

fn observe_io(observer: &dyn AsyncInstrument<u64>, volumes: &Volumes) {
    for (name, volume) in volumes.iter() {
        let Some(counts) = volume.counts() else { continue };
        for (direction, bytes) in [("read", counts.bytes_read), ("write", counts.bytes_written)] {
            observer.observe(bytes, &[of_volume(name), KeyValue::new("direction", direction)]);
        }
    }
}
