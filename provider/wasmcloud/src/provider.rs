//! What the host asks of a provider: start, links, health, end.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use larder_nats_server::Serving;
use parking_lot::Mutex;
use tracing::{error, info};
use wasmcloud_provider_sdk::{
    HealthCheckRequest, HealthCheckResponse, LinkConfig, LinkDeleteInfo, Provider, ProviderConnection,
    ProviderInitConfig, load_host_data,
};

use crate::edge::Edge;
use crate::links::{Caller, Grant, Links};
use crate::settings::serve;
use crate::telemetry::{self, Calls};

/// The provider. Cloning names the same one.
#[derive(Clone, Default)]
pub(crate) struct LarderProvider {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    links: Arc<Links>,
    /// There between `init` and the first `shutdown` or end.
    serving: Mutex<Option<(Serving, async_nats::Client)>>,
}

impl Inner {
    fn sessions(&self) -> Option<usize> {
        self.serving.lock().as_ref().map(|(serving, _)| serving.server().sessions())
    }
}

impl LarderProvider {
    /// The edge to components.
    pub(crate) fn edge(&self, connection: &ProviderConnection) -> Result<Edge> {
        let inner = Arc::downgrade(&self.inner);
        telemetry::observe_sessions(move || inner.upgrade()?.sessions());
        let serving = self.inner.serving.lock();
        let (serving, nats) = serving.as_ref().context("the provider has ended already")?;
        Ok(Edge {
            nats: (*connection.nats).clone(),
            lattice: connection.lattice.to_string(),
            provider: connection.provider_id.to_string(),
            links: Arc::clone(&self.inner.links),
            here: serving.server().local(),
            elsewhere: nats.clone(),
            calls: Calls::new(),
        })
    }

    /// Saves what is served and ends. The host calls `shutdown` twice: the
    /// second time nothing is left to do.
    pub(crate) async fn stop(&self) {
        let serving = self.inner.serving.lock().take();
        if let Some((serving, _)) = serving
            && let Err(error) = serving.stop().await
        {
            error!("{error:#}");
        }
    }
}

impl Provider for LarderProvider {
    async fn init(&self, init: impl ProviderInitConfig) -> Result<()> {
        let host = load_host_data()?;
        let serving = serve(init.get_config().clone(), init.get_secrets(), host).await?;
        info!(provider = init.get_provider_id(), "serving");
        *self.inner.serving.lock() = Some(serving);
        Ok(())
    }

    async fn receive_link_config_as_target(&self, link: LinkConfig<'_>) -> Result<()> {
        let which = || format!("the link `{}` of {}", link.link_name, link.source_id);
        let none = link.secrets.is_empty();
        ensure!(none, "{} has secrets, which only the provider's own configuration takes", which());
        let grant = Grant::from_config(link.config).with_context(which)?;
        info!(component = link.source_id, link = link.link_name, volume = grant.volume, "linked");
        self.inner.links.put(caller(link.source_id, link.link_name), grant)
    }

    async fn delete_link_as_target(&self, link: impl LinkDeleteInfo) -> Result<()> {
        self.inner.links.delete(&caller(link.get_source_id(), link.get_link_name()));
        Ok(())
    }

    async fn health_request(&self, _: &HealthCheckRequest) -> Result<HealthCheckResponse> {
        let sessions = self.inner.sessions();
        let message = sessions.map_or_else(|| "ended".to_owned(), |sessions| format!("{sessions} sessions"));
        Ok(HealthCheckResponse { healthy: sessions.is_some(), message: Some(message) })
    }

    async fn shutdown(&self) -> Result<()> {
        self.stop().await;
        Ok(())
    }
}

fn caller(component: &str, link: &str) -> Caller {
    Caller { component: component.to_owned(), link: link.to_owned() }
}
