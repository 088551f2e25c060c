//! Output of several apps on one terminal: whole lines, each behind the name of
//! the app that wrote it.

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use hyper::body::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

/// A line longer than this many bytes is written in pieces, so that a guest
/// that never ends a line does not fill the host's memory.
const MAX_LINE: usize = 64 << 10;

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
    pub(super) fn write(self, bytes: &[u8]) -> io::Result<()> {
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
    pub(super) fn is_terminal(self) -> bool {
        match self {
            Self::Stdout => io::IsTerminal::is_terminal(&io::stdout()),
            Self::Stderr => io::IsTerminal::is_terminal(&io::stderr()),
        }
    }
}

/// One output stream of one app; clones share the unfinished line.
#[derive(Clone)]
pub(crate) struct PrefixedOutput {
    lines: Arc<Mutex<Lines>>,
    target: OutputTarget,
}

impl PrefixedOutput {
    /// Lines of the app `name` to `target`.
    pub(crate) fn new(name: &str, target: OutputTarget) -> Self {
        let lines = Lines { prefix: format!("{name} | "), unfinished: Vec::new(), target };
        Self { lines: Arc::new(Mutex::new(lines)), target }
    }

    /// Takes bytes; whole lines go out at once.
    pub(super) fn push(&self, bytes: &[u8]) -> io::Result<()> {
        // Poisoning is of no matter: at worst a line is cut.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(bytes)
    }
}

struct Lines {
    prefix: String,
    unfinished: Vec<u8>,
    target: OutputTarget,
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut output = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.unfinished.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.unfinished.len() > MAX_LINE {
                self.end_line(&mut output);
            }
        }
        if output.is_empty() { Ok(()) } else { self.target.write(&output) }
    }

    /// Moves the unfinished line to `output`, ended and with the prefix.
    fn end_line(&mut self, output: &mut Vec<u8>) {
        if self.unfinished.is_empty() {
            return;
        }
        output.extend_from_slice(self.prefix.as_bytes());
        output.append(&mut self.unfinished);
        if !output.ends_with(b"\n") {
            output.push(b'\n');
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let mut output = Vec::new();
        self.end_line(&mut output);
        // The reader is gone when this fails.
        let _ = self.target.write(&output);
    }
}

impl IsTerminal for PrefixedOutput {
    fn is_terminal(&self) -> bool {
        self.target.is_terminal()
    }
}

impl StdoutStream for PrefixedOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for PrefixedOutput {
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

impl Pollable for PrefixedOutput {
    // `async fn` as the trait's macro writes it: output is always ready.
    fn ready<'life, 'future>(&'life mut self) -> Pin<Box<dyn Future<Output = ()> + Send + 'future>>
    where
        'life: 'future,
        Self: 'future,
    {
        Box::pin(async {})
    }
}

impl AsyncWrite for PrefixedOutput {
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
