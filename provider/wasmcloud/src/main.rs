//! Larder's wasmCloud capability provider: serves volumes to the components of
//! a lattice that are linked to it, and, over the same NATS, to Larder's own
//! clients (`larder run --volume nats://…`).
//!
//! What lives here: being a provider. What does not: the volumes and the
//! protocol, which are larder-nats-server's; `larder-provider` is the same
//! without wasmCloud.
#![forbid(unsafe_code)]

mod buckets;
mod edge;
mod links;
mod nats;
mod orphan;
mod provider;
mod settings;
#[cfg(test)]
mod suite;
mod telemetry;

use anyhow::Result;
use wasmcloud_provider_sdk::{initialize_observability, run_provider};

use crate::provider::LarderProvider;

/// What the provider is called in logs and traces.
const NAME: &str = "larder-provider";

#[tokio::main]
async fn main() -> Result<()> {
    initialize_observability!(NAME, None::<std::path::PathBuf>);
    let provider = LarderProvider::default();
    let commands = run_provider(provider.clone(), NAME).await?;
    let edge = provider.edge(wasmcloud_provider_sdk::get_connection())?;
    tokio::select! {
        () = commands => {}
        () = orphan::orphaned() => tracing::warn!("the host is gone: the provider ends, and leaves the lattice to another"),
        served = edge.serve() => served?,
    }
    provider.stop().await;
    Ok(())
}
