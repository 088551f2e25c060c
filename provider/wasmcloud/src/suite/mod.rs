//! The behavioural suite through the edge: over wRPC and NATS, with the
//! library by which a wasmCloud host calls providers, for components of which
//! each has a link. The host itself is not here: an instance of it lives for
//! one call, so that no case could go on in it; tests/wasmcloud has one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a case fails by panicking")]

mod store;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use larder_nats_client::Joined;
use larder_nats_server::{ServedVolume, Server, ServerOptions};
use larder_protocol::Access;
use larder_store_client::Options;
use larder_store_service::{Clock, Store};
use larder_suite::{Mount, Volumes};
use larder_suite_client::{Manner, failing};
use larder_test_nats::Nats;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::edge::{Edge, Form};
use crate::links::{Caller, Grant, Links};
use crate::suite::store::EdgeStore;
use crate::telemetry::Calls;

/// Longer than a case: nothing keeps the sessions alive of mounts that a case
/// does not use.
const LEASE: Duration = Duration::from_secs(600);

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap())
}

fn nats() -> &'static Nats {
    static NATS: OnceLock<Nats> = OnceLock::new();
    NATS.get_or_init(Nats::start)
}

/// A case's provider: a server of its volumes, and an edge on a lattice of its
/// own.
struct Provider {
    lattice: String,
    server: Option<Server>,
    edge: JoinHandle<anyhow::Result<()>>,
}

impl Provider {
    fn new(volumes: &Volumes, clock: &Clock) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let lattice = format!("suite-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let (main, other) = (format!("{lattice}-main"), format!("{lattice}-other"));
        let served = [(&main, Mount::Main), (&other, Mount::Other)].map(|(name, mount)| ServedVolume {
            name: name.clone(),
            volume: volumes.view(mount).volume().clone(),
            writable: true,
        });
        let links = Arc::new(Links::default());
        for mount in Mount::ALL {
            let (volume, directory, access) = match mount {
                Mount::Main => (&main, "", Access::Write),
                Mount::ReadOnly => (&main, "", Access::Read),
                Mount::Scoped => (&main, "scope", Access::Write),
                Mount::ScopedReadOnly => (&main, "scope", Access::Read),
                Mount::Other => (&other, "", Access::Write),
            };
            let caller = Caller { component: component(mount), link: "default".to_owned() };
            links.put(caller, Grant { volume: volume.clone(), directory: directory.to_owned(), access }).unwrap();
        }
        let (server, edge) = runtime().block_on(async {
            let connection = async_nats::connect(nats().url()).await.unwrap();
            let options = ServerOptions { clock: Arc::clone(clock), lease: LEASE, ..ServerOptions::default() };
            let server = Server::start(connection.clone(), served.into(), options).await.unwrap();
            let edge = Edge {
                nats: lattice_nats::connect(nats().url()).await.unwrap(),
                lattice: lattice.clone(),
                provider: "larder".to_owned(),
                links,
                here: server.local(),
                elsewhere: connection,
                calls: Calls::new(),
            };
            (server, tokio::spawn(edge.serve()))
        });
        Self { lattice, server: Some(server), edge }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.edge.abort();
        if let Some(server) = self.server.take() {
            runtime().block_on(server.shutdown());
        }
    }
}

/// The component that is linked to what the guest mounts there.
fn component(mount: Mount) -> String {
    format!("{mount:?}")
}

fn joined(provider: &Provider, form: Form) -> Joined {
    let stores = Mount::ALL.map(|mount| {
        let store = EdgeStore::new(&provider.lattice, component(mount), mount.guest_path(), form);
        let store: Arc<dyn Store + Send + Sync> = Arc::new(store);
        (mount.guest_path().to_owned(), store)
    });
    Joined::new(stores.into())
}

macro_rules! manner {
    ($(#[$doc:meta])* $name:ident, $form:expr, syncs: $syncs:literal, $options:expr) => {
        $(#[$doc])*
        struct $name;

        impl Manner for $name {
            type Store = Joined;
            type Backing = Arc<Provider>;
            const OPTIONS: Options = $options;
            const SYNCS: bool = $syncs;

            fn serve(volumes: &Volumes, clock: &Clock) -> Arc<Provider> {
                Arc::new(Provider::new(volumes, clock))
            }

            fn store(provider: &Arc<Provider>) -> Joined {
                joined(provider, $form)
            }
        }
    };
}

manner! {
    /// Each call of the guest is one to the provider.
    Strict, Form::Packed, syncs: false, Options { write_behind: false, cache: false }
}

manner! {
    /// As composed components do, and the guest syncs what it writes.
    Cached, Form::Packed, syncs: true, Options { write_behind: true, cache: true }
}

manner! {
    /// As components do that speak wRPC themselves.
    Bytes, Form::Bytes, syncs: false, Options { write_behind: false, cache: false }
}

#[test]
fn every_case_holds_with_messages_that_are_not_packed() {
    assert_eq!(failing::<Bytes>(), Vec::<&str>::new());
}

#[test]
fn every_case_holds_without_caches() {
    assert_eq!(failing::<Strict>(), Vec::<&str>::new());
}

#[test]
fn every_case_holds_with_caches() {
    // What `docs/forwarding.md` says of caching.
    let exceptions = [
        "limits::a_directory_ends_with_quota",
        "limits::names_end_with_name_too_long",
        "views::what_one_guest_writes_another_reads",
    ];
    assert_eq!(failing::<Cached>(), exceptions);
}
