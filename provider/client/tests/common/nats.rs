//! The NATS server that the tests share, and what they serve on it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use larder_nats_client::Address;
use larder_nats_server::{ServedVolume, Server, ServerOptions};
use larder_store_service::Clock;
use larder_test_nats::Nats;
use tokio::runtime::Runtime;

/// What the servers of the tests run on.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap())
}

/// A volume's name that no other test uses.
pub fn unique(name: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{name}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The NATS server that most tests of a process share.
pub fn shared() -> &'static Nats {
    static SHARED: OnceLock<Nats> = OnceLock::new();
    SHARED.get_or_init(Nats::start)
}

pub fn address(nats: &Nats, path: &str) -> Address {
    format!("{}/{path}", nats.url()).parse().unwrap()
}

/// Serves volumes.
pub fn serve(nats: &Nats, volumes: Vec<ServedVolume>, clock: Clock, lease: Duration) -> Server {
    serve_as(&nats.url(), async_nats::ConnectOptions::new(), volumes, clock, lease)
}

/// The same with a login.
pub fn serve_as(
    url: &str,
    login: async_nats::ConnectOptions,
    volumes: Vec<ServedVolume>,
    clock: Clock,
    lease: Duration,
) -> Server {
    runtime().block_on(async {
        let connection = login.connect(url).await.unwrap();
        let options = ServerOptions { clock, lease, ..ServerOptions::default() };
        Server::start(connection, volumes, options).await.unwrap()
    })
}

/// Ends a server as it ends by itself.
pub fn stop(server: Server) {
    runtime().block_on(server.shutdown());
}
