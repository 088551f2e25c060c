//! The connection: a thread of its own that it runs on, and requests that are
//! repeated until they are answered or their deadline passes.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use larder_protocol::Access;
use larder_protocol::messages::{Fault, Reply, reply};
use prost::Message;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::error::ConnectError;
use crate::transport::{Transport, Unsent};

/// How long an answer is waited for before the request is repeated: 1 second,
/// and twice as long each further time. Earlier requests may still be
/// answered. Guards the server against repetitions of what takes long.
const PATIENCE: Duration = Duration::from_secs(1);

/// The pause after an answer that says that nothing was done, at first and at
/// most: 10 and 500 ms, doubling. Guards the server that is overloaded.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(10);
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// The shortest deadline of a call: 1 ms.
const SHORTEST_DEADLINE: Duration = Duration::from_millis(1);

/// The longest deadline of a call: 1 hour. Guards the arithmetic of time.
const LONGEST_DEADLINE: Duration = Duration::from_secs(3600);

/// How to use a served volume.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether it is to be changed. Over NATS its permissions decide whether it
    /// may.
    pub access: Access,
    /// How long one call, or connecting, takes at most; from 1 ms to 1 hour.
    pub deadline: Duration,
    /// A NATS credentials file, instead of a login in the address.
    pub credentials: Option<PathBuf>,
    /// A PEM file of the authorities that may have signed the server's
    /// certificate, besides those of the system.
    pub tls_ca: Option<PathBuf>,
    /// Whether to listen to what others change, so that nothing that was read
    /// ahead is older than that. Takes the NATS permission to subscribe to the
    /// volume's `changes` subject.
    pub listens: bool,
    /// Reads that are in flight ahead of a sequential reader. What it reads
    /// may then be a second old, unless this store changed or opened the file
    /// since. 0: every read asks the server.
    pub read_ahead: usize,
    /// Where the guest sees the volume, an absolute path: an absolute symbolic
    /// link that begins with it leads there.
    pub mount_path: String,
    /// Shown to operators: who calls.
    pub client_name: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            access: Access::Write,
            deadline: Duration::from_secs(10),
            credentials: None,
            tls_ca: None,
            listens: false,
            read_ahead: 4,
            mount_path: "/".to_owned(),
            client_name: "larder".to_owned(),
        }
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// Nobody serves the subject.
    Nobody,
    /// Somebody may, but did not answer.
    Silence,
    /// Too much waits at the server.
    Overloaded,
    /// The credentials do not permit it; what NATS says.
    NotPermitted(String),
    /// It cannot be sent; why.
    Unsendable(String),
}

/// A connection. Dropping it closes it.
pub(crate) struct Connection {
    line: Line,
    runtime: Handle,
    deadline: Duration,
    /// Ends the thread when it is dropped.
    _running: oneshot::Sender<()>,
}

impl Connection {
    /// Runs `connect`, which is given its deadline, on a thread of the
    /// connection's own. None where it did not end in time.
    ///
    /// # Errors
    /// Those of `connect`, and [`ConnectError::Setup`] without a thread.
    pub(crate) fn new<T, C>(
        options: &Options,
        connect: impl FnOnce(Instant) -> C,
    ) -> Result<Option<(Self, T)>, ConnectError>
    where
        T: Send + 'static,
        C: Future<Output = Result<(Line, T), ConnectError>> + Send + 'static,
    {
        let setup = |error: std::io::Error| ConnectError::Setup(format!("no thread for the connection: {error}"));
        let deadline = options.deadline.clamp(SHORTEST_DEADLINE, LONGEST_DEADLINE);
        // One thread runs all that a call goes through: a call then wakes no
        // other thread but this one.
        let runtime = Builder::new_current_thread().enable_all().build().map_err(setup)?;
        let handle = runtime.handle().clone();
        let (running, ended) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("larder-client".to_owned());
        let run = move || {
            let _ = runtime.block_on(ended);
            runtime.shutdown_background();
        };
        thread.spawn(run).map_err(setup)?;

        let Some(connected) = block_on(&handle, deadline, connect(Instant::now() + deadline)) else { return Ok(None) };
        let (line, more) = connected?;
        Ok(Some((Self { line, runtime: handle, deadline, _running: running }, more)))
    }

    /// When a call that begins now has to be answered.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.deadline
    }

    /// Asks and waits. Called from any thread, also one of a runtime.
    pub(crate) fn ask(&self, request: Bytes, deadline: Instant) -> Result<Reply, Unanswered> {
        let line = self.line.clone();
        let within = deadline.saturating_duration_since(Instant::now());
        let answer = block_on(&self.runtime, within, async move { line.ask(&request, deadline).await });
        answer.unwrap_or(Err(Unanswered::Silence))
    }

    /// Runs something beside the calls.
    pub(crate) fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.runtime.spawn(work)
    }

    /// Runs something on the connection's thread, at most for its deadline.
    pub(crate) fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
        block_on(&self.runtime, self.deadline, work)
    }

    pub(crate) const fn line(&self) -> &Line {
        &self.line
    }
}

/// Runs the work on the connection's thread and waits for its result, a moment
/// longer than the work's own deadline.
fn block_on<T: Send + 'static>(
    runtime: &Handle,
    within: Duration,
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    const MOMENT: Duration = Duration::from_millis(200);
    let (sender, receiver) = mpsc::sync_channel(1);
    let task = runtime.spawn(async move {
        let _ = sender.send(work.await);
    });
    let result = receiver.recv_timeout(within + MOMENT).ok();
    if result.is_none() {
        task.abort();
    }
    result
}

/// What requests are sent on. Cloning names the same.
#[derive(Clone)]
pub(crate) struct Line {
    transport: Arc<dyn Transport>,
    /// What the transport last said about permissions that are missing.
    refused: watch::Receiver<String>,
}

impl Line {
    /// `refused` has what is said of missing permissions from now on.
    pub(crate) fn new(transport: Arc<dyn Transport>, refused: watch::Receiver<String>) -> Self {
        Self { transport, refused }
    }

    /// Sends the request until it is answered, nobody can answer it, or the
    /// deadline passes.
    pub(crate) async fn ask(&self, request: &Bytes, deadline: Instant) -> Result<Reply, Unanswered> {
        let mut refused = self.refused.clone();
        refused.mark_unchanged();
        tokio::select! {
            biased;
            answer = self.repeat(request, deadline) => answer,
            Ok(()) = refused.changed() => Err(Unanswered::NotPermitted(refused.borrow().clone())),
        }
    }

    async fn repeat(&self, request: &Bytes, deadline: Instant) -> Result<Reply, Unanswered> {
        let mut waiting = FuturesUnordered::new();
        let (mut patience, mut pause) = (PATIENCE, FIRST_PAUSE);
        loop {
            waiting.push(self.send(request.clone()));
            let until = if self.transport.may_lose() { deadline.min(Instant::now() + patience) } else { deadline };
            let why = match timeout_at(until, waiting.next()).await {
                Ok(Some(Ok(reply))) if !is_postponed(&reply) => return Ok(reply),
                Ok(Some(Err(Unsent::Never(reason)))) => return Err(Unanswered::Unsendable(reason)),
                Err(_) if until == deadline => return Err(Unanswered::Silence),
                Err(_) => {
                    patience *= 2;
                    continue;
                }
                Ok(Some(Ok(_))) => Unanswered::Overloaded,
                Ok(Some(Err(Unsent::Nobody))) => Unanswered::Nobody,
                Ok(Some(Err(Unsent::Lost)) | None) => Unanswered::Silence,
            };
            let until = deadline.min(Instant::now() + pause);
            sleep_until(until).await;
            if until == deadline {
                return Err(why);
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn send(&self, request: Bytes) -> Result<Reply, Unsent> {
        let answer = self.transport.send(request).await?;
        Reply::decode(answer).map_err(|error| Unsent::Never(format!("the answer is none of this protocol: {error}")))
    }
}

/// Whether nothing was done, and the same may be done in a moment.
fn is_postponed(reply: &Reply) -> bool {
    let Some(reply::Result::Refusal(refusal)) = &reply.result else { return false };
    matches!(refusal.fault(), Fault::Overloaded | Fault::OutOfOrder)
}
