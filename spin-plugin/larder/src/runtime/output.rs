//! Where a guest's output goes, as WASI's streams want it.

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

/// Bytes that a guest may write in one call.
const PERMIT: usize = 1 << 20;

/// Which stream of this process the lines go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutputTarget {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl OutputTarget {
    /// Writes to the stream of this process and hands it to the system.
    pub(crate) fn write(self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(bytes)?;
                out.flush()
            }
            Self::Stderr => io::stderr().lock().write_all(bytes),
        }
    }

    /// Whether a person reads it directly.
    pub(crate) fn is_terminal(self) -> bool {
        match self {
            Self::Stdout => io::IsTerminal::is_terminal(&io::stdout()),
            Self::Stderr => io::IsTerminal::is_terminal(&io::stderr()),
        }
    }
}

/// What takes a guest's output.
pub(crate) trait Sink: Send + Sync {
    /// Takes all of `bytes`; it may block as long as a file or a pipe does.
    ///
    /// # Errors
    /// When nobody takes them any more (`BrokenPipe`), or the system refuses.
    fn write(&self, bytes: &[u8]) -> io::Result<()>;

    /// Whether a person reads it directly.
    fn is_terminal(&self) -> bool;
}

/// One output stream of one guest, or of all instances of one.
#[derive(Clone)]
pub(crate) struct GuestOutput(Arc<dyn Sink>);

impl GuestOutput {
    /// To `sink`.
    pub(crate) fn new(sink: impl Sink + 'static) -> Self {
        Self(Arc::new(sink))
    }

    /// Writes all.
    ///
    /// # Errors
    /// As [`Sink::write`].
    pub(super) fn push(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.write(bytes)
    }

    /// Whether a person reads it directly.
    pub(super) fn is_terminal(&self) -> bool {
        self.0.is_terminal()
    }
}

impl IsTerminal for GuestOutput {
    fn is_terminal(&self) -> bool {
        self.0.is_terminal()
    }
}

impl StdoutStream for GuestOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for GuestOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.push(&bytes).map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => StreamError::Closed,
            _ => StreamError::LastOperationFailed(error.into()),
        })
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PERMIT)
    }
}

impl Pollable for GuestOutput {
    // `async fn` as the trait's macro writes it: output is always ready.
    fn ready<'life, 'future>(&'life mut self) -> Pin<Box<dyn Future<Output = ()> + Send + 'future>>
    where
        'life: 'future,
        Self: 'future,
    {
        Box::pin(async {})
    }
}

impl AsyncWrite for GuestOutput {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.push(buffer).map(|()| buffer.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
