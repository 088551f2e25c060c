//! The store of a guest of the suite: its five mounts are five sessions over
//! NATS with one server.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "not every test uses all; a case fails by panicking"
)]

pub mod nats;
pub mod world;

use std::sync::Arc;
use std::time::Duration;

use larder_nats_client::{Access, Joined, NatsStore};
use larder_nats_server::{ServedVolume, Server};
use larder_store_service::{Clock, Store};
use larder_suite::{Mount, Volumes};
use nats::{shared, unique};

/// A case's server.
pub struct Served {
    main: String,
    other: String,
    server: Option<Server>,
}

impl Served {
    fn new(volumes: &Volumes, clock: &Clock) -> Self {
        let (main, other) = (unique("main"), unique("other"));
        let volume = |name: &String, mount| ServedVolume {
            name: name.clone(),
            volume: volumes.view(mount).volume().clone(),
            writable: true,
        };
        let served = vec![volume(&main, Mount::Main), volume(&other, Mount::Other)];
        let server = nats::serve(shared(), served, Arc::clone(clock), Duration::from_secs(30));
        Self { main, other, server: Some(server) }
    }

    fn store(&self, mount: Mount) -> NatsStore {
        let (volume, directory, access) = match mount {
            Mount::Main => (&self.main, "", Access::Write),
            Mount::ReadOnly => (&self.main, "", Access::Read),
            Mount::Scoped => (&self.main, "/scope", Access::Write),
            Mount::ScopedReadOnly => (&self.main, "/scope", Access::Read),
            Mount::Other => (&self.other, "", Access::Write),
        };
        let address = nats::address(shared(), &format!("{volume}{directory}"));
        let mount_path = mount.guest_path().to_owned();
        let options = larder_nats_client::Options { access, mount_path, ..larder_nats_client::Options::default() };
        NatsStore::connect(&address, options).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            nats::stop(server);
        }
    }
}

/// A server of its own for each case, with a session for each mount.
pub type Backing = Arc<Served>;

pub fn serve(volumes: &Volumes, clock: &Clock) -> Backing {
    Arc::new(Served::new(volumes, clock))
}

pub fn joined(served: &Backing) -> Joined {
    let stores = Mount::ALL.map(|mount| {
        let store: Arc<dyn Store + Send + Sync> = Arc::new(served.store(mount));
        (mount.guest_path().to_owned(), store)
    });
    Joined::new(stores.into())
}
