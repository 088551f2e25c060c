//! One connection to the socket: one volume, and one session at a time.

use std::io::{self, Write as _};
use std::time::Duration;

use bytes::Bytes;
use larder_nats_server::LocalVolume;
use larder_protocol::messages::request::Operation;
use larder_protocol::messages::{Done, Fault, Reply, reply};
use larder_store_service::Call;
use prost::Message;
use tokio::io::AsyncWrite;
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use crate::frame;
use crate::listening::{IDLE, MOST_UNDER_WAY, Served};

/// How long a new connection may take to say what it wants: 5 s. Guards the
/// places of connections.
const FIRST: Duration = Duration::from_secs(5);

/// A request on its way.
struct UnderWay {
    answer: oneshot::Receiver<Bytes>,
    /// It begins a session.
    begins: bool,
}

/// Serves one connection until its client is gone, nothing comes for
/// [`IDLE`], or `stopped`. Its session ends with it.
pub(crate) async fn serve(stream: UnixStream, served: &Served, stopped: watch::Receiver<bool>) {
    let (mut from, mut to) = stream.into_split();
    let Ok(Ok(Some(subject))) = timeout(FIRST, frame::read(&mut from)).await else { return };
    let (volume, answer) = match choose(&subject, served) {
        Ok(volume) => (Some(volume), Reply { result: Some(reply::Result::Done(Done {})) }),
        Err(refusal) => (None, refusal),
    };
    let told = timeout(FIRST, frame::write(&mut to, encode(&answer))).await;
    let (Some(volume), Ok(Ok(()))) = (volume, told) else { return };
    let (sender, under_way) = mpsc::channel(MOST_UNDER_WAY);
    let (gone, is_gone) = oneshot::channel();
    let requests = async {
        let mut stopped = stopped;
        tokio::select! {
            // Its sender is dropped here, by which the answers end.
            () = read(&mut from, &volume, sender) => {}
            _ = is_gone => {}
            _ = stopped.wait_for(|stop| *stop) => {}
        }
    };
    tokio::join!(requests, answer_all(&mut to, &volume, under_way, gone));
}

/// Tells a client that there is no place for it. What it wants is not waited
/// for.
pub(crate) fn refuse(stream: UnixStream) {
    let refusal = larder_protocol::refusal(Fault::Overloaded, "there are too many connections already: try again");
    let mut frame = Vec::new();
    let made = frame::write_blocking(&mut frame, &encode(&refusal));
    // Tokio would wait until it knows that the stream takes something. Nothing
    // was written there before, so that the frame fits without blocking.
    if let (Ok(()), Ok(mut stream)) = (made, stream.into_std()) {
        // Nobody may be there any more.
        let _ = stream.write_all(&frame);
    }
}

/// The volume of a subject.
///
/// # Errors
/// What to answer.
#[allow(clippy::result_large_err, reason = "a reply is an error here as often as not, and is not passed far")]
fn choose<'a>(subject: &[u8], served: &'a Served) -> Result<LocalVolume<'a>, Reply> {
    let refused = |text: String| Err(larder_protocol::refusal(Fault::BadRequest, text));
    let Some((name, access)) = std::str::from_utf8(subject).ok().and_then(larder_protocol::parse_subject) else {
        return refused("a connection begins with the subject of a volume".to_owned());
    };
    if let Some(volume) = served.local.volume(name, access) {
        return Ok(volume);
    }
    if let Some(address) = served.elsewhere.get(name) {
        return refused(format!("its volume `{name}` is elsewhere: use {address}"));
    }
    refused(match served.names.as_slice() {
        [] => format!("it has no volume `{name}`, nor any other one in its process"),
        names => format!("it has no volume `{name}`: there are {}", names.join(", ")),
    })
}

fn encode(reply: &Reply) -> Bytes {
    reply.encode_to_vec().into()
}

/// Hands requests on, in their order, as long as they come.
async fn read(from: &mut OwnedReadHalf, volume: &LocalVolume<'_>, to: mpsc::Sender<UnderWay>) {
    loop {
        let Ok(place) = to.reserve().await else { return };
        match timeout(IDLE, frame::read(from)).await {
            Ok(Ok(Some(request))) => {
                let begins = larder_protocol::decode_request(&request)
                    .is_ok_and(|request| matches!(request.operation, Some(Operation::Begin(_))));
                place.send(UnderWay { answer: volume.send(request), begins });
            }
            Ok(Ok(None)) => return,
            Ok(Err(error)) => {
                tracing::debug!(%error, "a connection to the socket ends");
                return;
            }
            Err(_) => {
                tracing::debug!("a connection to the socket ends: nothing came for long");
                return;
            }
        }
    }
}

/// Writes answers, in the order of their requests; then ends the session.
/// `gone` is told when nobody takes them any more.
async fn answer_all(
    to: &mut (impl AsyncWrite + Unpin),
    volume: &LocalVolume<'_>,
    mut under_way: mpsc::Receiver<UnderWay>,
    gone: oneshot::Sender<()>,
) {
    let mut gone = Some(gone);
    let mut session = None;
    while let Some(UnderWay { answer, begins }) = under_way.recv().await {
        let Ok(answer) = answer.await else { continue };
        if begins
            && let Some(begun) = begun(&answer)
            && let Some(before) = session.replace(begun)
        {
            end(volume, before).await;
        }
        // Also what nobody takes is waited for: a session may begin by it.
        if gone.is_some() && !is_taken(timeout(IDLE, frame::write(to, answer)).await) {
            gone = None;
        }
    }
    if let Some(session) = session {
        end(volume, session).await;
    }
}

fn is_taken(written: Result<io::Result<()>, tokio::time::error::Elapsed>) -> bool {
    matches!(written, Ok(Ok(())))
}

/// The session that an answer begins.
fn begun(answer: &Bytes) -> Option<u64> {
    match Reply::decode(answer.clone()).ok()?.result {
        Some(reply::Result::Session(session)) => Some(session.id),
        _ => None,
    }
}

async fn end(volume: &LocalVolume<'_>, session: u64) {
    let call = Call { session, operation: 0, notes: Vec::new() };
    let end = larder_protocol::request::end(&call).encode_to_vec();
    // That it is over already is as good.
    let _ = volume.ask(end.into()).await;
}
