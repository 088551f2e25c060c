//! A volume that is served over a NATS server, for the tests of remote ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use larder_core::{Durability, Limits, Volume, VolumeOptions};
use larder_nats_server::{ServedVolume, Server, ServerOptions};
use larder_test_nats::Nats;
use tokio::runtime::{Builder, Runtime};

/// Counts how often it was asked to make the volume durable.
#[derive(Default)]
struct Syncs(AtomicUsize);

impl Durability for Syncs {
    fn sync(&self, _: &Arc<Volume>) -> larder_core::Result<()> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// The volumes `data` and `other`, which may be written.
pub(crate) struct Served {
    nats: Nats,
    runtime: Runtime,
    server: Option<Server>,
    volumes: [Arc<Volume>; 2],
    syncs: Arc<Syncs>,
}

impl Served {
    pub(crate) fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    pub(crate) fn with_limits(limits: Limits) -> Self {
        Self::on(Nats::start(), async_nats::ConnectOptions::new(), limits)
    }

    /// On a NATS server with accounts, served with this login.
    pub(crate) fn on(nats: Nats, login: async_nats::ConnectOptions, limits: Limits) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let volumes = [1, 2].map(|generation| {
            Volume::new(VolumeOptions { limits: limits.clone(), generation, ..VolumeOptions::default() })
        });
        let syncs = Arc::new(Syncs::default());
        volumes[0].set_durability(Arc::clone(&syncs) as _).unwrap();
        let served = |name: &str, volume: &Arc<Volume>| ServedVolume {
            name: name.to_owned(),
            volume: Arc::clone(volume),
            writable: true,
        };
        let all = vec![served("data", &volumes[0]), served("other", &volumes[1])];
        let server = runtime.block_on(async {
            let client = login.connect(nats.url()).await.unwrap();
            Server::start(client, all, ServerOptions::default()).await.unwrap()
        });
        Self { nats, runtime, server: Some(server), volumes, syncs }
    }

    /// The address of a place in `data`.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}/data/{path}", self.nats.url())
    }

    /// The same in `other`.
    pub(crate) fn other(&self, path: &str) -> String {
        format!("{}/other/{path}", self.nats.url())
    }

    /// The same as some user.
    pub(crate) fn as_user(&self, user: &str, path: &str) -> String {
        format!("nats://{user}:{user}-password@127.0.0.1:{}/data/{path}", self.nats.port())
    }

    pub(crate) fn volume(&self) -> &Arc<Volume> {
        &self.volumes[0]
    }

    /// How often `data` was made durable.
    pub(crate) fn syncs(&self) -> usize {
        self.syncs.0.load(Ordering::SeqCst)
    }

    /// Requests to `data` while `work` runs.
    pub(crate) fn requests(&self, work: impl FnOnce()) -> usize {
        let url = self.nats.url();
        let (client, mut heard) = self.runtime.block_on(async {
            let client = async_nats::connect(url).await.unwrap();
            let heard = client.subscribe("larder.v1.data.*").await.unwrap();
            client.flush().await.unwrap();
            (client, heard)
        });
        work();
        self.runtime.block_on(async {
            // What comes before this was there before.
            client.publish("larder.v1.data.end", Vec::new().into()).await.unwrap();
            let mut count = 0;
            while let Some(message) = futures::StreamExt::next(&mut heard).await {
                if message.subject.as_str() == "larder.v1.data.end" {
                    break;
                }
                // What the server tells of changes is nobody's request.
                count += usize::from(!message.subject.ends_with(".changes"));
            }
            count
        })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.shutdown());
        }
    }
}
