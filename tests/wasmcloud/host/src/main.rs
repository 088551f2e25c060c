//! A wasmCloud v1 host: what the released `wasmcloud` executable is made of,
//! with the settings that tests and `wash up --host-path` need. It has no
//! registry, no policy service and no TLS of its own.
#![recursion_limit = "256"]

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use url::Url;
use wasmcloud_core::OtelConfig;
use wasmcloud_host::wasmbus::host_config::Host as HostConfig;
use wasmcloud_host::wasmbus::{Features, Host};

/// Longest wait for a host that is asked to stop.
const STOP: Duration = Duration::from_secs(10);

/// The names of the environment are those which `wash up` sets.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[arg(long, env = "WASMCLOUD_RPC_HOST", default_value = "127.0.0.1")]
    nats_host: String,
    #[arg(long, env = "WASMCLOUD_RPC_PORT", default_value_t = 4222)]
    nats_port: u16,
    /// Credentials for NATS, as `user:password`.
    #[arg(long)]
    nats_user: Option<String>,
    #[arg(long, short = 'x', env = "WASMCLOUD_LATTICE", default_value = "default")]
    lattice: String,
    /// `rpc-interface`, `builtin-http-server` and so on.
    #[arg(long = "feature", env = "WASMCLOUD_EXPERIMENTAL_FEATURES", value_delimiter = ',')]
    features: Vec<String>,
    #[arg(long, env = "WASMCLOUD_SECRETS_TOPIC")]
    secrets_topic: Option<String>,
    /// Where telemetry goes, such as `http://127.0.0.1:4318`.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    otel: Option<String>,
    #[arg(long, env = "WASMCLOUD_MAX_EXECUTION_TIME_MS", default_value_t = 600_000)]
    max_execution_time_ms: u64,
    #[arg(long, env = "WASMCLOUD_PROV_SHUTDOWN_DELAY_MS", default_value_t = 300)]
    provider_shutdown_delay_ms: u64,
    /// Written when the host serves.
    #[arg(long)]
    ready_file: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn")))
        .with_writer(std::io::stderr)
        .init();
    let who = arguments.nats_user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
    let nats = Url::parse(&format!("nats://{who}{}:{}", arguments.nats_host, arguments.nats_port))
        .context("the address of NATS is none")?;
    let config = HostConfig {
        ctl_nats_url: nats.clone(),
        rpc_nats_url: nats,
        lattice: arguments.lattice.as_str().into(),
        allow_file_load: true,
        version: "1.9.2".to_owned(),
        max_execution_time: Duration::from_millis(arguments.max_execution_time_ms),
        provider_shutdown_delay: Some(Duration::from_millis(arguments.provider_shutdown_delay_ms)),
        experimental_features: arguments.features.iter().map(|name| Features::from(name.as_str())).sum(),
        secrets_topic_prefix: arguments.secrets_topic,
        otel_config: OtelConfig {
            enable_observability: arguments.otel.is_some(),
            observability_endpoint: arguments.otel,
            ..OtelConfig::default()
        },
        ..HostConfig::default()
    };
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (host, shutdown) = Host::new(config).await.context("the host did not start")?;
    if let Some(file) = arguments.ready_file {
        std::fs::write(file, "ready\n")?;
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        stopped = host.stopped() => { stopped?; }
    }
    drop(host);
    tokio::time::timeout(STOP, shutdown).await.context("the host did not stop in time")?
}
