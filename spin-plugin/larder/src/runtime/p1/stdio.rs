//! Standard streams of core modules.

use std::io::{self, IsTerminal};
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncReadExt};
use wasmtime_wasi::cli::StdinStream;

use crate::runtime::output::{GuestOutput, OutputTarget};

/// Bytes read ahead from standard input at a time.
const INPUT_BYTES: usize = 64 << 10;

/// Where standard output or error goes.
pub(super) enum OutputSink {
    /// The stream of this process.
    Inherit(OutputTarget),
    /// Elsewhere.
    Through(GuestOutput),
}

impl OutputSink {
    /// Writes all.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Inherit(target) => target.write(bytes),
            Self::Through(output) => output.push(bytes),
        }
    }

    /// Whether a person reads it directly.
    pub(super) fn is_terminal(&self) -> bool {
        match self {
            Self::Inherit(target) => target.is_terminal(),
            Self::Through(output) => output.is_terminal(),
        }
    }
}

/// Standard input; nothing is read from it until the guest asks.
pub(super) struct Input {
    inherit: bool,
    stream: Option<Pin<Box<dyn AsyncRead + Send + Sync>>>,
    ahead: Vec<u8>,
    ended: bool,
}

impl Input {
    /// The input of this process, or none.
    pub(super) fn new(inherit: bool) -> Self {
        Self { inherit, stream: None, ahead: Vec::new(), ended: !inherit }
    }

    /// Whether a person types it.
    pub(super) fn is_terminal(&self) -> bool {
        self.inherit && io::stdin().is_terminal()
    }

    /// Waits until there is something to read, or the end. May be dropped and
    /// called again: nothing that was read is lost.
    pub(super) async fn ready(&mut self) -> io::Result<()> {
        if self.is_ready() {
            return Ok(());
        }
        let stream = self.stream.get_or_insert_with(|| Box::into_pin(tokio::io::stdin().async_stream()));
        let mut buffer = vec![0; INPUT_BYTES];
        let read = stream.read(&mut buffer).await?;
        buffer.truncate(read);
        self.ended = read == 0;
        self.ahead = buffer;
        Ok(())
    }

    /// Whether a read would not wait.
    pub(super) fn is_ready(&self) -> bool {
        !self.ahead.is_empty() || self.ended
    }

    /// How much can be read without waiting.
    pub(super) fn available(&self) -> usize {
        self.ahead.len()
    }

    /// Takes up to `length` bytes of what is there.
    pub(super) fn take(&mut self, length: usize) -> Vec<u8> {
        let rest = self.ahead.split_off(length.min(self.ahead.len()));
        let taken = std::mem::replace(&mut self.ahead, rest);
        // At a terminal, more may come after an end (Ctrl-D).
        if taken.is_empty() && self.is_terminal() {
            self.ended = false;
        }
        taken
    }
}
