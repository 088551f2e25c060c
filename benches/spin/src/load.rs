//! The clients: connections that ask again as soon as they have the response.
//!
//! A response that is not what it must be ends the cell: errors are no speed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::HOST;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::processor::{Reading, Usage};

/// What a cell may take beyond its time.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request, and the response that it must have.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    method: Method,
    /// The path and the query.
    pub(crate) target: String,
    headers: &'static [(&'static str, &'static str)],
    body: Bytes,
    statuses: &'static [u16],
    answer: Bytes,
}

impl Ask {
    pub(crate) const fn get(target: String, answer: Bytes) -> Self {
        Self { method: Method::GET, target, headers: &[], body: Bytes::new(), statuses: &[200], answer }
    }

    pub(crate) const fn post(target: String, body: Bytes) -> Self {
        Self { method: Method::POST, target, headers: &[], body, statuses: &[204], answer: Bytes::new() }
    }

    pub(crate) const fn put(target: String, body: Bytes) -> Self {
        Self { method: Method::PUT, target, headers: &[], body, statuses: &[201, 204], answer: Bytes::new() }
    }

    /// With these headers.
    pub(crate) const fn with(mut self, headers: &'static [(&'static str, &'static str)]) -> Self {
        self.headers = headers;
        self
    }

    /// Whether it is the response.
    async fn check(&self, mut response: Response<Incoming>) -> Result<()> {
        let status = response.status().as_u16();
        if !self.statuses.contains(&status) {
            let body = response.into_body().collect().await?.to_bytes();
            bail!("status {status}: {}", String::from_utf8_lossy(&body).trim());
        }
        let mut left = &self.answer[..];
        while let Some(frame) = response.body_mut().frame().await {
            let Ok(piece) = frame?.into_data() else { continue };
            left = left.strip_prefix(&piece[..]).context("the response's body is another one")?;
        }
        ensure!(left.is_empty(), "the response's body ends {} bytes early", left.len());
        Ok(())
    }
}

/// A client, and its connection.
pub(crate) struct Asker {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Asker {
    pub(crate) async fn connect(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // It ends with its sender, which is told of its errors.
        tokio::spawn(connection);
        Ok(Self { sender, host: address.to_owned() })
    }

    async fn send(&mut self, ask: &Ask) -> Result<Response<Incoming>> {
        self.sender.ready().await?;
        let mut request = Request::builder().method(&ask.method).uri(&ask.target).header(HOST, &self.host);
        for (name, value) in ask.headers {
            request = request.header(*name, *value);
        }
        Ok(self.sender.send_request(request.body(Full::new(ask.body.clone()))?).await?)
    }

    /// Asks, and waits for the whole response.
    pub(crate) async fn ask(&mut self, ask: &Ask) -> Result<()> {
        let response = self.send(ask).await?;
        ask.check(response).await
    }

    /// The body of whatever is there.
    pub(crate) async fn get(&mut self, target: &str) -> Result<Bytes> {
        let mut response = self.send(&Ask::get(target.to_owned(), Bytes::new())).await?;
        let mut body = BytesMut::new();
        while let Some(frame) = response.body_mut().frame().await {
            if let Ok(piece) = frame?.into_data() {
                body.extend_from_slice(&piece);
            }
        }
        ensure!(response.status().is_success(), "status {}", response.status());
        Ok(body.freeze())
    }
}

/// What a repetition of a cell did.
#[derive(Debug)]
pub(crate) struct Done {
    /// Of the requests whose response came while it counted, sorted.
    pub(crate) latencies: Vec<Duration>,
    pub(crate) usage: Usage,
    /// Responses, also those that came before and after.
    pub(crate) all: u64,
}

/// What the clients are told.
#[derive(Debug, Default)]
struct Phase(AtomicU8);

impl Phase {
    const MEASURED: u8 = 1;
    const OVER: u8 = 2;

    fn is(&self, phase: u8) -> bool {
        self.0.load(Ordering::Relaxed) == phase
    }

    fn set(&self, phase: u8) {
        self.0.store(phase, Ordering::Relaxed);
    }
}

/// Asks a server with so many clients, first for the time `warm` and then for
/// the time that counts.
///
/// # Errors
/// When a response is another one, or does not come.
pub(crate) async fn run(
    address: &str,
    server: u32,
    ask: &Arc<Ask>,
    clients: usize,
    warm: Duration,
    measured: Duration,
) -> Result<Done> {
    let phase = Arc::new(Phase::default());
    let mut running = JoinSet::new();
    for _ in 0..clients {
        let asker = Asker::connect(address).await?;
        running.spawn(client(asker, Arc::clone(ask), Arc::clone(&phase)));
    }
    let whole = async {
        let timed = async {
            tokio::time::sleep(warm).await;
            let begun = Reading::now(server)?;
            phase.set(Phase::MEASURED);
            tokio::time::sleep(measured).await;
            phase.set(Phase::OVER);
            anyhow::Ok(begun.until(&Reading::now(server)?))
        };
        let usage = tokio::select! {
            usage = timed => usage?,
            // None ends by itself but with an error.
            Some(ended) = running.join_next() => {
                ended??;
                bail!("a client ended before it was told to");
            }
        };
        let (mut latencies, mut all) = (Vec::new(), 0);
        while let Some(ended) = running.join_next().await {
            let (mut of_one, count) = ended??;
            latencies.append(&mut of_one);
            all += count;
        }
        latencies.sort_unstable();
        ensure!(!latencies.is_empty(), "no response came in {measured:?}");
        Ok(Done { latencies, usage, all })
    };
    tokio::time::timeout(warm + measured + PATIENCE, whole).await.context("responses do not come")?
}

/// One client: what each measured request took, and how many there were.
async fn client(mut asker: Asker, ask: Arc<Ask>, phase: Arc<Phase>) -> Result<(Vec<Duration>, u64)> {
    let (mut latencies, mut all) = (Vec::new(), 0);
    while !phase.is(Phase::OVER) {
        let begun = Instant::now();
        asker.ask(&ask).await.with_context(|| format!("{} {}", ask.method, ask.target))?;
        all += 1;
        if phase.is(Phase::MEASURED) {
            latencies.push(begun.elapsed());
        }
    }
    Ok((latencies, all))
}
