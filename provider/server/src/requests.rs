//! Requests on their way: bounds, sessions, and who carries out what where.
#![allow(clippy::result_large_err, reason = "a reply is an error here as often as not, and is not passed far")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use larder_core::ErrorCode;
use larder_protocol::messages::request::Operation;
use larder_protocol::messages::{Begin, Fault, Reply};
use larder_protocol::{Access, MOST_REQUEST_BYTES};
use larder_store_service::{Call, Place, Service, Store, VERSION};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch};

use crate::answer::{self, Job, Permits, no_session};
use crate::asker::Asker;
use crate::queue::{MOST_QUEUED, NotTaken, Queue};
use crate::server::ServerOptions;
use crate::sessions::{ServedSession, Sessions};
use crate::volume::{Served, Slot};

/// What one permit of the bytes stands for: permits are counted in 32 bits.
pub(crate) const BYTES_UNIT: usize = 1 << 10;

/// The longest client name that is logged, in bytes. Guards the log.
const MOST_LOGGED: usize = 128;

/// The longest mount path of a session, in bytes: POSIX's `PATH_MAX`. Guards
/// the memory of sessions.
const MOST_MOUNT_PATH: usize = 4096;

/// When a brief session makes room for another: after 1 s of silence.
const SPARE_AFTER: Duration = Duration::from_secs(1);

/// What all tasks of a server share.
pub(crate) struct Shared {
    pub(crate) options: ServerOptions,
    pub(crate) sessions: Sessions,
    pub(crate) ending: AtomicBool,
    /// Whether answers that NATS does not take are given up.
    pub(crate) given_up: watch::Sender<bool>,
    pub(crate) places: Arc<Semaphore>,
    pub(crate) bytes: Arc<Semaphore>,
    /// The largest message that NATS takes, in bytes.
    pub(crate) most_reply: usize,
}

/// One subject of one volume.
pub(crate) struct Door {
    pub(crate) served: Arc<Served>,
    pub(crate) access: Access,
}

pub(crate) const fn word(access: Access) -> &'static str {
    match access {
        Access::Read => "read",
        Access::Write => "write",
    }
}

impl Shared {
    /// Carries a request out, or sees to it that it is.
    pub(crate) async fn accept(self: &Arc<Self>, door: &Arc<Door>, asked: Asker) {
        if !asked.is_answerable() {
            tracing::debug!(volume = door.served.name, "ignored a message that cannot be answered");
            return;
        }
        match self.start(door, asked) {
            Ok(Some(session)) => self.run(session).await,
            Ok(None) => {}
            Err((asked, reply)) => self.answer(asked, reply).await,
        }
    }

    /// The same without waiting for anything: what one caller hands over is
    /// carried out in that order. Takes a Tokio runtime.
    pub(crate) fn take(self: &Arc<Self>, door: &Arc<Door>, asked: Asker) {
        let shared = Arc::clone(self);
        match self.start(door, asked) {
            // In a task of its own: whoever asks may give up, and must not
            // leave a session's queue half worked off.
            Ok(Some(session)) => drop(tokio::spawn(async move { shared.run(session).await })),
            Ok(None) => {}
            Err((asked, reply)) => drop(tokio::spawn(async move { shared.answer(asked, reply).await })),
        }
    }

    async fn answer(&self, asked: Asker, reply: Reply) {
        let mut given_up = self.given_up.subscribe();
        tokio::select! {
            biased;
            sent = asked.answer(answer::encode(reply, self.most_reply)) => {
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

    /// Answers the session whose queue is to be worked off, if any.
    ///
    /// # Errors
    /// The request that was not started, and what to answer.
    fn start(self: &Arc<Self>, door: &Arc<Door>, asked: Asker) -> Result<Option<Arc<ServedSession>>, (Asker, Reply)> {
        let payload = asked.payload();
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
            return Ok(None);
        }
        let id = request.call.as_ref().map_or(0, |call| call.session);
        let found = self.sessions.get(id);
        let Some(session) =
            found.filter(|session| session.access == door.access && Arc::ptr_eq(&session.served, &door.served))
        else {
            return Err((asked, no_session()));
        };
        match session.queue.push(Job { asked, request, _permits: permits }) {
            Ok(true) => Ok(Some(session)),
            Ok(false) => Ok(None),
            Err((job, NotTaken::Ended)) => Err((job.asked, no_session())),
            Err((job, NotTaken::Full)) => {
                let text = format!("a session has at most {MOST_QUEUED} requests under way");
                Err((job.asked, larder_protocol::refusal(Fault::Overloaded, text)))
            }
        }
    }

    /// Works a session's queue off, up to the first job that may take a while:
    /// then a task of its own goes on. What is quick takes less time than
    /// handing it over.
    async fn run(self: &Arc<Self>, session: Arc<ServedSession>) {
        while let Some(job) = session.queue.next() {
            if !answer::is_quick(&job.request) {
                let shared = Arc::clone(self);
                tokio::spawn(async move { shared.run_all(session, job).await });
                return;
            }
            self.carry_out(&session, job).await;
        }
    }

    /// Works a session's queue off, beginning with `job`.
    async fn run_all(&self, session: Arc<ServedSession>, job: Job) {
        let mut next = Some(job);
        while let Some(job) = next {
            self.carry_out(&session, job).await;
            next = session.queue.next();
        }
    }

    async fn carry_out(&self, session: &Arc<ServedSession>, Job { asked, request, _permits }: Job) {
        let (held, blocks) = (Arc::clone(session), answer::blocks(&request));
        let work = move || catch_unwind(AssertUnwindSafe(|| answer::carry_out(&held, request)));
        let reply = if blocks { tokio::task::spawn_blocking(work).await.ok() } else { Some(work()) };
        let reply = match reply {
            Some(Ok(reply)) => reply,
            // A session whose call panicked is in no known state.
            Some(Err(_)) | None => {
                tracing::error!(
                    volume = session.served.name,
                    "a call failed by a fault of the server: its session ends"
                );
                session.end();
                larder_protocol::error(ErrorCode::Io)
            }
        };
        if session.queue.has_ended() {
            self.sessions.remove(session.id);
        }
        self.answer(asked, reply).await;
    }

    fn start_begin(self: &Arc<Self>, door: Arc<Door>, asked: Asker, begin: Begin, permits: Permits) {
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let _permits = permits;
            let reply = shared.begin(&door, &begin).unwrap_or_else(|reply| reply);
            shared.answer(asked, reply).await;
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
        let mount_path = match begin.mount_path.as_str() {
            "" => "/",
            path if path.starts_with('/') && path.len() <= MOST_MOUNT_PATH => path,
            _ => {
                let text = format!("the mount path begins with a slash and has at most {MOST_MOUNT_PATH} bytes");
                return Err(larder_protocol::refusal(Fault::BadRequest, text));
            }
        };
        let opening = begin.open.as_ref().map(larder_protocol::begin_open).transpose();
        let opening = opening.map_err(|refusal| larder_protocol::refusal(refusal.fault(), refusal.message))?;
        let Some(whole) = door.served.view(door.access) else {
            return Err(larder_protocol::error(ErrorCode::ReadOnly));
        };
        let slot = Slot::take(&door.served, self.options.most_sessions).or_else(|| {
            self.sessions.take_spare(&door.served, SPARE_AFTER)?.end();
            Slot::take(&door.served, self.options.most_sessions)
        });
        let Some(slot) = slot else {
            let text = format!("the volume has {} sessions already", self.options.most_sessions);
            return Err(larder_protocol::refusal(Fault::Overloaded, text));
        };
        let view = whole.subdirectory(&begin.directory, whole.rights()).map_err(failed)?;
        let service = Service::new(Arc::clone(&self.options.clock)).mount(&view, mount_path).map_err(failed)?;
        let session = Arc::new(service).session();
        let mut welcome = session.begin(begin.version).map_err(larder_protocol::error)?;
        let inner_id = welcome.session;
        let root = welcome.mounts.first().map(|mount| mount.root.node);
        let opened = opening.zip(root).map(|((path, how), directory)| {
            let call = Call { session: inner_id, operation: 1, notes: Vec::new() };
            session.open(&call, Place { directory, path }, how)
        });
        let id = getrandom::u64().map_err(|_| larder_protocol::error(ErrorCode::Io))?;
        welcome.session = id;
        let served = ServedSession {
            id,
            inner_id,
            served: Arc::clone(&door.served),
            access: door.access,
            is_brief: begin.brief,
            since: Instant::now(),
            queue: Queue::new(),
            held: Mutex::new(Some((session, slot))),
        };
        // 0 is no session, and one number in 2^64 is taken: the caller asks again.
        if id == 0 || !self.sessions.insert(Arc::new(served)) {
            return Err(larder_protocol::refusal(Fault::Overloaded, "no number for the session"));
        }
        let client: String = begin.client.chars().take(MOST_LOGGED).collect();
        tracing::debug!(volume = door.served.name, access = word(door.access), directory = ?begin.directory, ?client, "a session begins");
        Ok(larder_protocol::welcome(&welcome, self.options.lease, opened))
    }
}
