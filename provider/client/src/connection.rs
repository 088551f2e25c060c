//! The connection to NATS: a thread of its own that it runs on, and requests
//! that are repeated until they are answered or their deadline passes.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, RequestErrorKind, ServerError};
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

use crate::address::{Address, Login};
use crate::error::ConnectError;

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

/// How to use a volume over NATS.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether it is to be changed. NATS's permissions decide whether it may.
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
    NoResponders,
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
    pub(crate) fn new(address: &Address, options: &Options) -> Result<Self, ConnectError> {
        let setup = |error: std::io::Error| ConnectError::Setup(format!("no thread for the connection: {error}"));
        let deadline = options.deadline.clamp(SHORTEST_DEADLINE, LONGEST_DEADLINE);
        // One thread runs all that a call goes through: a call then wakes no
        // other thread but this one.
        let runtime = Builder::new_current_thread().enable_all().build().map_err(setup)?;
        let handle = runtime.handle().clone();
        let (running, ended) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("larder-nats".to_owned());
        let run = move || {
            let _ = runtime.block_on(ended);
            runtime.shutdown_background();
        };
        thread.spawn(run).map_err(setup)?;

        let connect = connect(address.clone(), options.clone(), Instant::now() + deadline);
        let connected = block_on(&handle, deadline, connect);
        let line = connected.unwrap_or_else(|| {
            Err(ConnectError::Unreachable { server: address.server(), reason: "it does not answer".to_owned() })
        })?;
        Ok(Self { line, runtime: handle, deadline, _running: running })
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
    client: Client,
    subject: Arc<str>,
    /// What NATS last said about permissions that are missing.
    refused: watch::Receiver<String>,
}

impl Line {
    pub(crate) const fn client(&self) -> &Client {
        &self.client
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
            let until = deadline.min(Instant::now() + patience);
            let why = match timeout_at(until, waiting.next()).await {
                Ok(Some(Ok(reply))) if !is_postponed(&reply) => return Ok(reply),
                Ok(Some(Err(Unsent::Never(reason)))) => return Err(Unanswered::Unsendable(reason)),
                Err(_) if until == deadline => return Err(Unanswered::Silence),
                Err(_) => {
                    patience *= 2;
                    continue;
                }
                Ok(Some(Ok(_))) => Unanswered::Overloaded,
                Ok(Some(Err(Unsent::NoResponders))) => Unanswered::NoResponders,
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

    async fn send(&self, payload: Bytes) -> Result<Reply, Unsent> {
        let request = async_nats::Request::new().payload(payload).timeout(None);
        match self.client.send_request(self.subject.to_string(), request).await {
            Ok(message) => Reply::decode(message.payload)
                .map_err(|error| Unsent::Never(format!("the answer is none of this protocol: {error}"))),
            Err(error) => Err(match error.kind() {
                RequestErrorKind::NoResponders => Unsent::NoResponders,
                RequestErrorKind::InvalidSubject | RequestErrorKind::MaxPayloadExceeded => {
                    Unsent::Never(error.to_string())
                }
                RequestErrorKind::TimedOut | RequestErrorKind::Other => Unsent::Lost,
            }),
        }
    }
}

/// How one request failed.
enum Unsent {
    NoResponders,
    Never(String),
    Lost,
}

/// Whether nothing was done, and the same may be done in a moment.
fn is_postponed(reply: &Reply) -> bool {
    let Some(reply::Result::Refusal(refusal)) = &reply.result else { return false };
    matches!(refusal.fault(), Fault::Overloaded | Fault::OutOfOrder)
}

async fn connect(address: Address, options: Options, deadline: Instant) -> Result<Line, ConnectError> {
    let (refusals, refused) = watch::channel(String::new());
    let refusals = Arc::new(refusals);
    let mut pause = FIRST_PAUSE;
    loop {
        let settings = settings(&address, &options, Arc::clone(&refusals)).await?;
        let unreachable = |reason: String| ConnectError::Unreachable { server: address.server(), reason };
        let error = match timeout_at(deadline, settings.connect(address.server())).await {
            Ok(Ok(client)) => {
                let subject = larder_protocol::subject(address.volume(), options.access).into();
                return Ok(Line { client, subject, refused });
            }
            Ok(Err(error)) => error,
            Err(_) => return Err(unreachable("it does not answer".to_owned())),
        };
        match error.kind() {
            ConnectErrorKind::AuthorizationViolation => {
                return Err(ConnectError::Refused { server: address.server() });
            }
            // Another attempt would meet the same certificate.
            ConnectErrorKind::Io if is_untrusted(&error) => return Err(unreachable(error.to_string())),
            // It may be starting.
            ConnectErrorKind::Io | ConnectErrorKind::TimedOut if Instant::now() + pause < deadline => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            _ => return Err(unreachable(error.to_string())),
        }
    }
}

/// Whether TLS failed: tokio-rustls makes that an error of invalid data.
fn is_untrusted(error: &async_nats::ConnectError) -> bool {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let mut kinds = causes.filter_map(|cause| cause.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    kinds.any(|kind| kind == std::io::ErrorKind::InvalidData)
}

async fn settings(
    address: &Address,
    options: &Options,
    refusals: Arc<watch::Sender<String>>,
) -> Result<ConnectOptions, ConnectError> {
    let mut settings = ConnectOptions::new()
        .name(format!("larder {}", options.client_name))
        .require_tls(address.tls())
        .reconnect_delay_callback(|attempts| {
            let doubled = u32::try_from(attempts.saturating_sub(1).min(6)).unwrap_or(0);
            (FIRST_PAUSE * 2_u32.pow(doubled)).min(LONGEST_PAUSE)
        })
        .event_callback(move |event| {
            let refusals = Arc::clone(&refusals);
            async move { tell(&event, &refusals) }
        });
    settings = match address.login() {
        Some(Login::User { name, password }) => settings.user_and_password(name.clone(), password.clone()),
        Some(Login::Token(token)) => settings.token(token.clone()),
        None => settings,
    };
    if let Some(path) = &options.credentials {
        let unusable =
            |error| ConnectError::Setup(format!("the credentials {} cannot be used: {error}", path.display()));
        settings = settings.credentials_file(path).await.map_err(unusable)?;
    }
    if let Some(path) = &options.tls_ca {
        // Otherwise a file that is missing is an unreachable server.
        let unusable =
            |error| ConnectError::Setup(format!("the certificate {} cannot be read: {error}", path.display()));
        tokio::fs::metadata(path).await.map_err(unusable)?;
        settings = settings.add_root_certificates(path.clone());
    }
    Ok(settings)
}

/// Takes in what happens to the connection.
fn tell(event: &Event, refusals: &watch::Sender<String>) {
    match event {
        Event::ServerError(ServerError::Other(text))
            if text.to_ascii_lowercase().starts_with("permissions violation") =>
        {
            tracing::warn!("NATS: {text}");
            refusals.send_replace(text.clone());
        }
        Event::Connected => tracing::debug!("NATS: connected"),
        Event::Disconnected | Event::LameDuckMode | Event::Draining => tracing::info!("NATS: {event}"),
        other => tracing::warn!("NATS: {other}"),
    }
}
