//! Reaching a volume on a socket.

use std::io::{self, ErrorKind};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use larder_nats_client::{Access, Answering, ConnectError, Options, ServedStore, Transport, Unsent};
use larder_protocol::reply::{self, Failure};
use prost::Message;
use tokio::sync::{mpsc, oneshot};

use crate::frame;

/// How long whoever listens may take to say whether it has the volume: 10 s.
const FIRST: Duration = Duration::from_secs(10);

/// Most requests that wait to be sent, and that wait for their answers: 64, as
/// many as a session has under way.
const MOST_WAITING: usize = 64;

/// How often a connection is tried that is closed at once: 3 times. Guards
/// against a process that always does.
const ATTEMPTS: u32 = 3;

/// The pause between these: 50 ms. Whoever closes one usually ends.
const PAUSE: Duration = Duration::from_millis(50);

/// A connection to a process that serves a volume.
#[derive(Debug)]
pub struct Connection(UnixStream);

/// Connects to whoever listens at `path`, for one of its volumes; none where
/// nobody listens there.
///
/// # Errors
/// When the socket may not be used, whoever listens there does not answer, or
/// has no such volume: then the error says which ones it has.
pub fn connect(path: &Path, volume: &str, access: Access) -> Result<Option<Connection>> {
    for _ in 0..ATTEMPTS {
        match attempt(path, volume, access)? {
            Attempt::Connected(connection) => return Ok(Some(connection)),
            Attempt::Nobody => return Ok(None),
            Attempt::Closed => std::thread::sleep(PAUSE),
        }
    }
    bail!("whoever listens on {} closes every connection", path.display())
}

/// What came of one attempt.
enum Attempt {
    Connected(Connection),
    Nobody,
    Closed,
}

fn attempt(path: &Path, volume: &str, access: Access) -> Result<Attempt> {
    let mut stream = match UnixStream::connect(path) {
        Ok(stream) => stream,
        Err(error) if is_nobody(&error) => return Ok(Attempt::Nobody),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            bail!("the socket {} is of another user: only its owner may use it", path.display())
        }
        Err(error) => return Err(error).with_context(|| format!("cannot use the socket {}", path.display())),
    };
    let what = || format!("whoever listens on {} does not answer", path.display());
    stream.set_read_timeout(Some(FIRST)).and_then(|()| stream.set_write_timeout(Some(FIRST))).with_context(what)?;
    // It may be refused before it was read.
    let said = frame::write_blocking(&mut stream, larder_protocol::subject(volume, access).as_bytes());
    let answer = match frame::read_blocking(&mut stream) {
        Ok(answer) => answer,
        Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => {
            return Ok(Attempt::Closed);
        }
        Err(error) => return Err(said.err().unwrap_or(error)).with_context(what),
    };
    let answer = larder_protocol::messages::Reply::decode(answer).with_context(what)?;
    match reply::done(answer) {
        Ok(()) => Ok(Attempt::Connected(Connection(stream))),
        Err(Failure::Refused(refusal)) => Err(anyhow!(refusal.message)),
        Err(Failure::Code(_) | Failure::Malformed) => bail!("whoever listens on {} is not Larder", path.display()),
    }
}

/// Whether nobody listens: there is no socket, it was left behind, or there
/// cannot be one of this name.
fn is_nobody(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::ConnectionRefused | ErrorKind::InvalidInput
    )
}

impl Connection {
    /// The volume, by a session of its own. `address` is what it is called.
    /// Of the options the deadline and names count; there is no login.
    ///
    /// # Errors
    /// When no session begins: the volume is only read, or the process ends.
    pub fn store(self, address: &str, options: Options) -> Result<ServedStore, ConnectError> {
        ServedStore::over(address, options, move || {
            let Self(stream) = self;
            stream.set_nonblocking(true)?;
            let stream = tokio::net::UnixStream::from_std(stream)?;
            let (requests, waiting) = mpsc::channel(MOST_WAITING);
            tokio::spawn(run(stream, waiting));
            Ok(Arc::new(Requests(requests)))
        })
    }
}

/// A request, and where its answer goes.
type Asked = (Bytes, oneshot::Sender<Bytes>);

/// Where requests go that are to be sent.
struct Requests(mpsc::Sender<Asked>);

impl Transport for Requests {
    fn send(&self, request: Bytes) -> Answering<'_> {
        Box::pin(async move {
            let gone = || Unsent::Never("whoever served it ended, or closed the connection".to_owned());
            let (answer, answered) = oneshot::channel();
            self.0.send((request, answer)).await.map_err(|_| gone())?;
            answered.await.map_err(|_| gone())
        })
    }

    fn may_lose(&self) -> bool {
        false
    }
}

/// Sends requests, and hands out the answers, until either side is gone.
async fn run(stream: tokio::net::UnixStream, mut requests: mpsc::Receiver<Asked>) {
    let (mut from, mut to) = stream.into_split();
    // Answers come in the order of requests.
    let (sender, mut under_way) = mpsc::channel::<oneshot::Sender<Bytes>>(MOST_WAITING);
    let send = async {
        while let Some((request, answer)) = requests.recv().await {
            if sender.send(answer).await.is_err() {
                break;
            }
            frame::write(&mut to, request).await?;
        }
        Ok::<(), io::Error>(())
    };
    let receive = async {
        while let Some(message) = frame::read(&mut from).await? {
            let Some(answer) = under_way.recv().await else { break };
            // Whoever asked may have given up.
            let _ = answer.send(message);
        }
        Ok::<(), io::Error>(())
    };
    let ended = tokio::select! {
        ended = send => ended,
        ended = receive => ended,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "the connection to the socket ends");
    }
}
