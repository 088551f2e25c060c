//! A collector of OpenTelemetry's (OTLP over HTTP) that keeps what it gets.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use futures::lock::Mutex;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Most bytes of one request.
const MOST: usize = 16 << 20;

/// Paths and bodies, in their order.
type Received = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// The collector. It ends with its owner.
pub struct Collector {
    address: String,
    received: Received,
    task: JoinHandle<()>,
}

impl Collector {
    /// # Errors
    /// When no port is free.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let received = Received::default();
        let into = Arc::clone(&received);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let into = Arc::clone(&into);
                // Ends with an error when the other side closes, as it may.
                tokio::spawn(async move { serve(stream, into).await });
            }
        });
        Ok(Self { address, received, task })
    }

    /// What exporters have to know.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// All bodies that were sent to a path, one after the other. Texts in them
    /// stand as they are.
    pub async fn received(&self, path: &str) -> Vec<u8> {
        let received = self.received.lock().await;
        let bodies = received.iter().filter(|(to, _)| to == path).map(|(_, body)| body.as_slice());
        bodies.collect::<Vec<_>>().concat()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The requests of a connection.
async fn serve(stream: TcpStream, into: Received) -> Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let first = line(&mut stream).await?;
        let path = first.split(' ').nth(1).context("no path")?.to_owned();
        let mut length = 0;
        loop {
            let header = line(&mut stream).await?.to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(text) = header.strip_prefix("content-length:") {
                length = text.trim().parse()?;
            }
        }
        ensure!(length <= MOST, "a body of {length} bytes");
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        into.lock().await.push((path, body));
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await?;
    }
}

async fn line(stream: &mut BufReader<TcpStream>) -> Result<String> {
    let mut line = String::new();
    ensure!(stream.take(MOST as u64).read_line(&mut line).await? > 0, "closed");
    Ok(line.trim_end().to_owned())
}
