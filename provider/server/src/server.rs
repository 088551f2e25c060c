//! The server: its subjects, its bounds, and its end.
#![allow(clippy::result_large_err, reason = "a reply is an error here as often as not, and is not passed far")]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use async_nats::service::endpoint::Endpoint;
use async_nats::service::{Request as Asked, ServiceExt};
use futures::{FutureExt, StreamExt};
use larder_core::ErrorCode;
use larder_protocol::messages::request::Operation;
use larder_protocol::messages::{Begin, Fault, Reply};
use larder_protocol::{Access, MOST_REQUEST_BYTES};
use larder_store_service::{Clock, Service, Store, VERSION};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::ServedVolume;
use crate::answer::{self, Job, Permits, no_session};
use crate::queue::{MOST_QUEUED, NotTaken, Queue};
use crate::sessions::{ServedSession, Sessions};
use crate::volume::{Served, Slot};

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

/// What one permit of the bytes stands for: permits are counted in 32 bits.
const BYTES_UNIT: usize = 1 << 10;

/// The longest client name that is logged, in bytes. Guards the log.
const MOST_LOGGED: usize = 128;

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

/// What all tasks of a server share.
struct Shared {
    options: ServerOptions,
    sessions: Sessions,
    ending: AtomicBool,
    /// Whether answers that NATS does not take are given up.
    given_up: watch::Sender<bool>,
    places: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    /// The largest message that NATS takes, in bytes.
    most_reply: usize,
}

/// One subject of one volume.
struct Door {
    served: Arc<Served>,
    access: Access,
}

/// Serves volumes until it is shut down or dropped. Dropping it ends serving
/// at once; [`shutdown`](Self::shutdown) answers what was asked before.
pub struct Server {
    shared: Arc<Shared>,
    volumes: Vec<Arc<Served>>,
    nats: async_nats::Client,
    service: Option<async_nats::service::Service>,
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

        let shared = Arc::new(Shared {
            sessions: Sessions::default(),
            ending: AtomicBool::new(false),
            given_up: watch::Sender::new(false),
            places: Arc::new(Semaphore::new(options.most_in_progress.min(Semaphore::MAX_PERMITS))),
            bytes: Arc::new(Semaphore::new(MOST_WAITING_BYTES / BYTES_UNIT)),
            most_reply,
            options,
        });
        let described = volumes.clone();
        let service = nats
            .service_builder()
            .description("Larder volumes")
            .metadata(HashMap::from([("volumes".to_owned(), names.join(","))]))
            .stats_handler(move |endpoint, _| statistics(&described, &endpoint))
            .start(SERVICE, env!("CARGO_PKG_VERSION"))
            .await
            .map_err(|error| anyhow!("cannot register with NATS: {error}"))?;
        let mut server = Self { shared, volumes, nats, service: Some(service), tasks: Vec::new() };
        server.open_doors().await?;
        server.tasks.push(tokio::spawn(end_silent_sessions(Arc::clone(&server.shared), server.nats.clone())));
        // What is subscribed is known to NATS before anybody is told.
        server.nats.flush().await.context("cannot reach NATS")?;
        Ok(server)
    }

    async fn open_doors(&mut self) -> Result<()> {
        let Some(service) = &self.service else { return Ok(()) };
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
                self.tasks.push(tokio::spawn(serve(Arc::clone(&self.shared), door, endpoint)));
            }
        }
        Ok(())
    }

    /// Refuses new requests, answers those that were accepted, and ends all
    /// sessions. What is saved, and when, is the caller's business.
    pub async fn shutdown(mut self) {
        self.shared.ending.store(true, Ordering::SeqCst);
        let places = u32::try_from(self.shared.options.most_in_progress).unwrap_or(u32::MAX);
        // All places are free when everything is answered. Where NATS takes no
        // answers any more, that is never.
        let mut all = std::pin::pin!(Arc::clone(&self.shared.places).acquire_many_owned(places));
        if tokio::time::timeout(LAST_FLUSH, &mut all).await.is_err() {
            self.shared.given_up.send_replace(true);
            let _all = all.await;
        }
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
        self.shared.ending.store(true, Ordering::SeqCst);
        if let Some(service) = self.service.take() {
            // Ready at once: it only tells tasks to end.
            let _ = service.stop().now_or_never();
        }
        for task in self.tasks.drain(..) {
            task.abort();
        }
        self.shared.sessions.take_all().iter().for_each(|session| session.end());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn check_names(volumes: &[ServedVolume]) -> Result<Vec<String>> {
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

const fn word(access: Access) -> &'static str {
    match access {
        Access::Read => "read",
        Access::Write => "write",
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
        shared.accept(&door, asked).await;
    }
}

/// Whether a reply may go there. Whoever asks chooses the subject, and the
/// server may be allowed to publish where the asker is not: what steers NATS
/// or Larder gets no replies.
fn is_answerable(asked: &Asked) -> bool {
    asked.message.reply.as_ref().is_some_and(|reply| !reply.starts_with('$') && !reply.starts_with("larder."))
}

impl Shared {
    /// Brings a request on its way. What takes time is done elsewhere.
    async fn accept(self: &Arc<Self>, door: &Arc<Door>, asked: Asked) {
        if !is_answerable(&asked) {
            tracing::debug!(subject = %asked.message.subject, "ignored a message that cannot be answered");
            return;
        }
        if let Err((asked, reply)) = self.start(door, asked) {
            self.answer(&asked, reply).await;
        }
    }

    async fn answer(&self, asked: &Asked, reply: Reply) {
        let mut given_up = self.given_up.subscribe();
        tokio::select! {
            biased;
            sent = asked.respond(Ok(answer::encode(reply, self.most_reply))) => {
                if let Err(error) = sent {
                    tracing::warn!(%error, "cannot send an answer");
                }
            }
            _ = given_up.wait_for(|given_up| *given_up) => tracing::warn!("NATS takes no answers: one is not sent"),
        }
    }

    fn permits(&self, bytes: usize) -> Result<Permits, Reply> {
        let overloaded = || larder_protocol::refusal(Fault::Overloaded, "too many requests are in progress");
        let bytes = u32::try_from(bytes.div_ceil(BYTES_UNIT)).unwrap_or(u32::MAX);
        let place = Arc::clone(&self.places).try_acquire_owned();
        // Looked at behind the place: whoever ends the server waits for it.
        if self.ending.load(Ordering::SeqCst) {
            return Err(larder_protocol::refusal(Fault::Ending, "the server is ending"));
        }
        let place = place.map_err(|_| overloaded())?;
        let bytes = Arc::clone(&self.bytes).try_acquire_many_owned(bytes).map_err(|_| overloaded())?;
        Ok(Permits { _place: place, _bytes: bytes })
    }

    /// # Errors
    /// The request that was not started, and what to answer.
    fn start(self: &Arc<Self>, door: &Arc<Door>, asked: Asked) -> Result<(), (Asked, Reply)> {
        let payload = &asked.message.payload;
        if payload.len() > MOST_REQUEST_BYTES {
            let text = format!("a request has at most {MOST_REQUEST_BYTES} bytes");
            return Err((asked, larder_protocol::refusal(Fault::BadRequest, text)));
        }
        let permits = match self.permits(payload.len()) {
            Ok(permits) => permits,
            Err(reply) => return Err((asked, reply)),
        };
        let request = match larder_protocol::decode_request(payload) {
            Ok(request) => request,
            Err(refusal) => {
                return Err((
                    asked,
                    Reply { result: Some(larder_protocol::messages::reply::Result::Refusal(refusal)) },
                ));
            }
        };
        if let Some(Operation::Begin(begin)) = request.operation {
            self.start_begin(Arc::clone(door), asked, begin, permits);
            return Ok(());
        }
        let id = request.call.as_ref().map_or(0, |call| call.session);
        let found = self.sessions.get(id);
        let Some(session) =
            found.filter(|session| session.access == door.access && Arc::ptr_eq(&session.served, &door.served))
        else {
            return Err((asked, no_session()));
        };
        match session.queue.push(Job { asked, request, _permits: permits }) {
            Ok(true) => self.run(session),
            Ok(false) => {}
            Err((job, NotTaken::Ended)) => return Err((job.asked, no_session())),
            Err((job, NotTaken::Full)) => {
                let text = format!("a session has at most {MOST_QUEUED} requests under way");
                return Err((job.asked, larder_protocol::refusal(Fault::Overloaded, text)));
            }
        }
        Ok(())
    }

    /// Works a session's queue off, away from the tasks: a call takes the
    /// processor, and a sync may write a file.
    fn run(self: &Arc<Self>, session: Arc<ServedSession>) {
        let shared = Arc::clone(self);
        let runtime = Handle::current();
        tokio::task::spawn_blocking(move || {
            // A session whose call panicked is in no known state.
            let _guard = EndOnPanic { shared: &shared, session: &session };
            while let Some(Job { asked, request, _permits }) = session.queue.next() {
                let reply = answer::carry_out(&session, request);
                if session.queue.has_ended() {
                    shared.sessions.remove(session.id);
                }
                runtime.block_on(shared.answer(&asked, reply));
            }
        });
    }

    fn start_begin(self: &Arc<Self>, door: Arc<Door>, asked: Asked, begin: Begin, permits: Permits) {
        let shared = Arc::clone(self);
        let runtime = Handle::current();
        tokio::task::spawn_blocking(move || {
            let _permits = permits;
            let reply = shared.begin(&door, &begin).unwrap_or_else(|reply| reply);
            runtime.block_on(shared.answer(&asked, reply));
        });
    }

    /// # Errors
    /// What to answer where no session begins.
    fn begin(&self, door: &Door, begin: &Begin) -> Result<Reply, Reply> {
        let failed = |error: larder_core::Error| larder_protocol::error(error.code());
        if begin.version != VERSION {
            let text = format!("the server speaks version {VERSION} of larder:fs/store, not {}", begin.version);
            return Err(larder_protocol::refusal(Fault::Unsupported, text));
        }
        let Some(whole) = door.served.view(door.access) else {
            return Err(larder_protocol::error(ErrorCode::ReadOnly));
        };
        let Some(slot) = Slot::take(&door.served, self.options.most_sessions) else {
            let text = format!("the volume has {} sessions already", self.options.most_sessions);
            return Err(larder_protocol::refusal(Fault::Overloaded, text));
        };
        let view = whole.subdirectory(&begin.directory, whole.rights()).map_err(failed)?;
        let service = Service::new(Arc::clone(&self.options.clock)).mount(&view, "/").map_err(failed)?;
        let session = Arc::new(service).session();
        let mut welcome = session.begin(begin.version).map_err(larder_protocol::error)?;
        let inner_id = welcome.session;
        let id = getrandom::u64().map_err(|_| larder_protocol::error(ErrorCode::Io))?;
        welcome.session = id;
        let served = ServedSession {
            id,
            inner_id,
            served: Arc::clone(&door.served),
            access: door.access,
            queue: Queue::new(),
            held: Mutex::new(Some((session, slot))),
        };
        // 0 is no session, and one number in 2^64 is taken: the caller asks again.
        if id == 0 || !self.sessions.insert(Arc::new(served)) {
            return Err(larder_protocol::refusal(Fault::Overloaded, "no number for the session"));
        }
        let client: String = begin.client.chars().take(MOST_LOGGED).collect();
        tracing::debug!(volume = door.served.name, access = word(door.access), directory = ?begin.directory, ?client, "a session begins");
        Ok(larder_protocol::welcome(&welcome, self.options.lease))
    }
}

struct EndOnPanic<'a> {
    shared: &'a Shared,
    session: &'a ServedSession,
}

impl Drop for EndOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.session.end();
            self.shared.sessions.remove(self.session.id);
        }
    }
}

/// Ends sessions whose lease ran out. While NATS is out of reach no lease
/// runs: the callers cannot be heard.
async fn end_silent_sessions(shared: Arc<Shared>, nats: async_nats::Client) {
    let lease = shared.options.lease;
    let mut ticks = tokio::time::interval((lease / 8).clamp(SHORTEST_TICK, LONGEST_TICK));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut reachable_since = Instant::now();
    let mut was_reachable = true;
    loop {
        ticks.tick().await;
        let is_reachable = nats.connection_state() == async_nats::connection::State::Connected;
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
