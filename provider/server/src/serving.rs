//! What a process serves: its volumes, their server, and when they are saved.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::task::JoinSet;

use crate::{OpenVolume, Server, ServerOptions};

/// Volumes that are served, and saved as their settings say. Dropping it ends
/// serving without saving; [`stop`](Self::stop) saves.
pub struct Serving {
    server: Arc<Server>,
    volumes: Vec<OpenVolume>,
    savers: JoinSet<()>,
}

impl Serving {
    /// Serves the volumes, and returns when requests for them are answered.
    ///
    /// # Errors
    /// Those of [`Server::start`].
    pub async fn start(nats: async_nats::Client, volumes: Vec<OpenVolume>, options: ServerOptions) -> Result<Self> {
        let served = volumes.iter().map(OpenVolume::served).collect();
        let server = Arc::new(Server::start(nats, served, options).await?);
        let mut savers = JoinSet::new();
        for volume in &volumes {
            if let Some(every) = volume.save_every() {
                savers.spawn(save_now_and_then(volume.clone(), every, Arc::clone(&server)));
            }
        }
        Ok(Self { server, volumes, savers })
    }

    /// The server.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Ends serving, as [`Server::shutdown`] does, and saves every volume, also
    /// if another one cannot be saved.
    ///
    /// # Errors
    /// The volumes that were not saved, each with its reason.
    pub async fn stop(self) -> Result<()> {
        let Self { server, volumes, mut savers } = self;
        // They hold the server.
        savers.shutdown().await;
        Arc::into_inner(server).context("the server is still in use")?.shutdown().await;
        tokio::task::spawn_blocking(move || save_all(&volumes)).await.context("cannot save")?
    }
}

fn save_all(volumes: &[OpenVolume]) -> Result<()> {
    let failures: Vec<String> =
        volumes.iter().filter_map(|volume| volume.close().err()).map(|error| format!("{error:#}")).collect();
    if !failures.is_empty() {
        bail!("{} of {} volumes were not saved: {}", failures.len(), volumes.len(), failures.join("; "));
    }
    Ok(())
}

async fn save_now_and_then(volume: OpenVolume, every: Duration, server: Arc<Server>) {
    let mut saved = 0;
    loop {
        tokio::time::sleep(every).await;
        let changes = server.changes(volume.name()).unwrap_or_default();
        if changes == saved {
            continue;
        }
        let volume = volume.clone();
        match tokio::task::spawn_blocking(move || volume.save()).await {
            Ok(Ok(())) => saved = changes,
            // It is tried again after the same time.
            Ok(Err(error)) => tracing::error!("{error:#}"),
            Err(error) => tracing::error!("cannot save: {error}"),
        }
    }
}
