//! The server: its subjects, its bounds, and its end.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use async_nats::service::ServiceExt;
use async_nats::service::endpoint::Endpoint;
use futures::{FutureExt, StreamExt};
use larder_protocol::{Access, MOST_REQUEST_BYTES};
use larder_store_service::Clock;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::ServedVolume;
use crate::asker::Asker;
use crate::feed;
use crate::local::LocalServer;
use crate::requests::{BYTES_UNIT, Door, Shared, word};
use crate::sessions::Sessions;
use crate::volume::Served;

/// The name among NATS services (`nats service ls`).
pub const SERVICE: &str = "larder";

/// How long a session lives of which nothing is heard: 30 s. What it holds
/// stays charged to the volume that long after its caller is gone.
pub const DEFAULT_LEASE: Duration = Duration::from_secs(30);

/// Most sessions of one volume, unless configured: 4,096. Guards memory, and
/// the volume's handles, of which each session has two.
pub const MOST_SESSIONS: usize = 4096;

/// Most requests of all sessions that wait or run, unless configured: 1,024.
/// Guards memory and the time that a request waits.
pub const MOST_IN_PROGRESS: usize = 1024;

/// Most bytes of requests that wait or run: 256 MiB. Guards memory where
/// [`MOST_IN_PROGRESS`] of them are large.
pub const MOST_WAITING_BYTES: usize = 256 << 20;

/// How often leases are looked at: an eighth of the lease within these bounds.
const SHORTEST_TICK: Duration = Duration::from_millis(10);
const LONGEST_TICK: Duration = Duration::from_secs(5);

/// How long the last answers may take on their way when the server ends.
const LAST_FLUSH: Duration = Duration::from_secs(2);

/// How long another server of a volume may take to answer.
const PROBE: Duration = Duration::from_millis(500);

/// How a server serves.
#[derive(Clone)]
pub struct ServerOptions {
    /// A session ends when nothing was heard of it for so long.
    pub lease: Duration,
    /// Most sessions of each volume.
    pub most_sessions: usize,
    /// Most requests that wait or run, of all sessions.
    pub most_in_progress: usize,
    /// Where the times of changes come from.
    pub clock: Clock,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            lease: DEFAULT_LEASE,
            most_sessions: MOST_SESSIONS,
            most_in_progress: MOST_IN_PROGRESS,
            clock: Arc::new(larder_transfer::now),
        }
    }
}

/// Serves volumes until it is shut down or dropped. Dropping it ends serving
/// at once; [`shutdown`](Self::shutdown) answers what was asked before.
pub struct Server {
    shared: Arc<Shared>,
    volumes: Vec<Arc<Served>>,
    nats: async_nats::Client,
    service: Option<async_nats::service::Service>,
    doors: Arc<HashMap<(String, Access), Arc<Door>>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Server {
    /// Serves `volumes`, and returns when requests for them are answered.
    ///
    /// # Errors
    /// When a name is not one or there twice, when the NATS server takes only
    /// smaller messages than a request may be or cannot be reached, or when
    /// somebody else serves one of the volumes.
    pub async fn start(nats: async_nats::Client, volumes: Vec<ServedVolume>, options: ServerOptions) -> Result<Self> {
        let names = check_names(&volumes)?;
        let most_reply = check_payload(&nats)?;
        futures::future::try_join_all(volumes.iter().map(|volume| ensure_unserved(&nats, &volume.name))).await?;
        let volumes =
            volumes.into_iter().map(|volume| Served::new(volume).map(Arc::new)).collect::<Result<Vec<_>>>()?;

        let shared = Arc::new(Shared::new(options, most_reply));
        let described = volumes.clone();
        let service = nats
            .service_builder()
            .description("Larder volumes")
            .metadata(HashMap::from([("volumes".to_owned(), names.join(","))]))
            .stats_handler(move |endpoint, _| statistics(&described, &endpoint))
            .start(SERVICE, env!("CARGO_PKG_VERSION"))
            .await
            .map_err(|error| anyhow!("cannot register with NATS: {error}"))?;
        let mut server =
            Self { shared, volumes, nats, service: Some(service), doors: Arc::default(), tasks: Vec::new() };
        server.open_doors().await?;
        let client = server.nats.clone();
        let is_reachable = move || client.connection_state() == async_nats::connection::State::Connected;
        server.tasks.push(tokio::spawn(end_silent_sessions(Arc::clone(&server.shared), is_reachable)));
        let life = getrandom::u64().context("no random numbers")?;
        for served in &server.volumes {
            server.tasks.push(tokio::spawn(feed::tell(Arc::clone(served), server.nats.clone(), life)));
        }
        // What is subscribed is known to NATS before anybody is told.
        server.nats.flush().await.context("cannot reach NATS")?;
        Ok(server)
    }

    async fn open_doors(&mut self) -> Result<()> {
        let Some(service) = &self.service else { return Ok(()) };
        let mut doors = HashMap::new();
        for served in &self.volumes {
            for access in [Access::Read, Access::Write] {
                let subject = larder_protocol::subject(&served.name, access);
                let metadata = HashMap::from([
                    ("volume".to_owned(), served.name.clone()),
                    ("access".to_owned(), word(access).to_owned()),
                ]);
                let endpoint = service
                    .endpoint_builder()
                    .name(endpoint_name(&served.name, access))
                    .metadata(metadata)
                    .add(&subject)
                    .await
                    .map_err(|error| anyhow!("cannot subscribe to {subject}: {error}"))?;
                let door = Arc::new(Door { served: Arc::clone(served), access });
                doors.insert((served.name.clone(), access), Arc::clone(&door));
                self.tasks.push(tokio::spawn(serve(Arc::clone(&self.shared), door, endpoint)));
            }
        }
        self.doors = Arc::new(doors);
        Ok(())
    }

    /// A way to the volumes from within this process.
    #[must_use]
    pub fn local(&self) -> LocalServer {
        LocalServer { shared: Arc::clone(&self.shared), doors: Arc::clone(&self.doors) }
    }

    /// Refuses new requests, answers those that were accepted, and ends all
    /// sessions. What is saved, and when, is the caller's business.
    pub async fn shutdown(mut self) {
        self.shared.answer_all().await;
        self.stop();
        // Without NATS a flush never returns, and what is served must be saved.
        match tokio::time::timeout(LAST_FLUSH, self.nats.flush()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last answers may not have been sent"),
            Err(_) => tracing::warn!("NATS is away: the last answers were not sent"),
        }
    }

    /// Sessions that are there now.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.shared.sessions.len()
    }

    /// How many requests were carried out that may have changed the volume;
    /// none for a volume that is not served.
    #[must_use]
    pub fn changes(&self, volume: &str) -> Option<u64> {
        self.volumes.iter().find(|served| served.name == volume).map(|served| served.changes())
    }

    fn stop(&mut self) {
        if let Some(service) = self.service.take() {
            // Ready at once: it only tells tasks to end.
            let _ = service.stop().now_or_never();
        }
        for task in self.tasks.drain(..) {
            task.abort();
        }
        self.shared.end();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    /// What a server has before the first request. Replies have at most
    /// `most_reply` bytes.
    pub(crate) fn new(options: ServerOptions, most_reply: usize) -> Self {
        Self {
            sessions: Sessions::default(),
            ending: AtomicBool::new(false),
            given_up: watch::Sender::new(false),
            places: Arc::new(Semaphore::new(options.most_in_progress.min(Semaphore::MAX_PERMITS))),
            bytes: Arc::new(Semaphore::new(MOST_WAITING_BYTES / BYTES_UNIT)),
            most_reply,
            options,
        }
    }

    /// Refuses new requests, and answers those that were accepted.
    pub(crate) async fn answer_all(&self) {
        self.ending.store(true, Ordering::SeqCst);
        let places = u32::try_from(self.options.most_in_progress).unwrap_or(u32::MAX);
        // All places are free when everything is answered. Where NATS takes no
        // answers any more, that is never.
        let mut all = std::pin::pin!(Arc::clone(&self.places).acquire_many_owned(places));
        if tokio::time::timeout(LAST_FLUSH, &mut all).await.is_err() {
            self.given_up.send_replace(true);
            let _all = all.await;
        }
    }

    /// Refuses new requests, and ends all sessions.
    pub(crate) fn end(&self) {
        self.ending.store(true, Ordering::SeqCst);
        self.sessions.take_all().iter().for_each(|session| session.end());
    }
}

pub(crate) fn check_names(volumes: &[ServedVolume]) -> Result<Vec<String>> {
    let mut names: Vec<String> = volumes.iter().map(|volume| volume.name.clone()).collect();
    names.sort_unstable();
    if let Some(name) = names.iter().find(|name| !larder_protocol::is_volume_name(name)) {
        bail!("`{name}` cannot be the name of a volume: it takes 1 to 64 of A-Z, a-z, 0-9, _ and -");
    }
    if let Some([name, _]) = names.array_windows().find(|[one, other]| one == other) {
        bail!("two volumes are called `{name}`");
    }
    Ok(names)
}

/// The largest message of the NATS server.
fn check_payload(nats: &async_nats::Client) -> Result<usize> {
    let info = nats.try_server_info().context("not connected to NATS yet")?;
    if info.max_payload < MOST_REQUEST_BYTES {
        bail!(
            "the NATS server takes messages of {} bytes: Larder needs at least {MOST_REQUEST_BYTES}; set `max_payload: 1MB` in its configuration",
            info.max_payload
        );
    }
    Ok(info.max_payload)
}

/// Two servers of one name would each get half of the requests of a session.
async fn ensure_unserved(nats: &async_nats::Client, name: &str) -> Result<()> {
    use async_nats::client::RequestErrorKind;

    let subject = larder_protocol::subject(name, Access::Read);
    // Any server refuses an empty request.
    let probe = async_nats::Request::new().timeout(Some(PROBE));
    match nats.send_request(subject.clone(), probe).await {
        Ok(_) => bail!(
            "volume `{name}` is served already by another process on this NATS: end that one, or take another name"
        ),
        Err(error) if error.kind() == RequestErrorKind::NoResponders => Ok(()),
        Err(error) => {
            tracing::warn!(%subject, %error, "cannot tell whether somebody else serves this volume");
            Ok(())
        }
    }
}

fn endpoint_name(volume: &str, access: Access) -> String {
    format!("{volume}-{}", word(access))
}

/// The `data` of an endpoint in `$SRV.STATS`.
fn statistics(volumes: &[Arc<Served>], endpoint: &str) -> serde_json::Value {
    let is_of = |served: &Arc<Served>| {
        [Access::Read, Access::Write].into_iter().any(|access| endpoint_name(&served.name, access) == endpoint)
    };
    volumes.iter().find(|served| is_of(served)).map_or(serde_json::Value::Null, |served| {
        let usage = served.volume.usage();
        serde_json::json!({
            "sessions": served.sessions(),
            "bytes": usage.bytes,
            "inodes": usage.inodes,
            "open_handles": usage.open_handles,
        })
    })
}

async fn serve(shared: Arc<Shared>, door: Arc<Door>, mut endpoint: Endpoint) {
    while let Some(asked) = endpoint.next().await {
        shared.accept(&door, Asker::Nats(Box::new(asked))).await;
    }
}

/// Ends sessions whose lease ran out. While callers cannot be heard, as NATS is
/// out of reach, no lease runs.
pub(crate) async fn end_silent_sessions(shared: Arc<Shared>, is_reachable: impl Fn() -> bool) {
    let lease = shared.options.lease;
    let mut ticks = tokio::time::interval((lease / 8).clamp(SHORTEST_TICK, LONGEST_TICK));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut reachable_since = Instant::now();
    let mut was_reachable = true;
    loop {
        ticks.tick().await;
        let is_reachable = is_reachable();
        if is_reachable && !was_reachable {
            reachable_since = Instant::now();
        }
        was_reachable = is_reachable;
        if is_reachable {
            let silent = shared.sessions.take_silent(lease, reachable_since);
            if !silent.is_empty() {
                tracing::debug!(count = silent.len(), "sessions ended: their leases ran out");
                // Letting go of many nodes takes a while.
                tokio::task::spawn_blocking(move || silent.iter().for_each(|session| session.end()));
            }
        }
    }
}
