//! Standard input: read ahead as far as a poll needs, and no further.

use larder_p1::{Errno, P1Result};

use crate::bindings::wasi::cli::stdin::get_stdin;
use crate::bindings::wasi::cli::terminal_stdin::get_terminal_stdin;
use crate::bindings::wasi::io::poll::Pollable;
use crate::bindings::wasi::io::streams::{InputStream, StreamError};

/// Bytes read at a time: 64 KiB. Guards the memory that holds them.
const READ: u64 = 64 << 10;

/// How the last read ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// There may be more.
    None,
    /// Nobody writes any more.
    Closed,
    /// It failed. The next read says so.
    Failed,
}

/// Standard input; nothing is read from it until the app asks.
pub(crate) struct Input {
    stream: InputStream,
    terminal: bool,
    ahead: Vec<u8>,
    /// Bytes of `ahead` that were taken.
    taken: usize,
    end: End,
}

impl Input {
    pub(crate) fn new() -> Self {
        let terminal = get_terminal_stdin().is_some();
        Self { stream: get_stdin(), terminal, ahead: Vec::new(), taken: 0, end: End::None }
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal
    }

    pub(crate) fn available(&self) -> usize {
        self.ahead.len() - self.taken
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.available() > 0 || self.end != End::None
    }

    pub(crate) fn subscribe(&self) -> Pollable {
        self.stream.subscribe()
    }

    /// Waits until there is something to take, or the end.
    pub(crate) fn wait(&mut self) {
        while !self.is_ready() {
            let read = self.stream.blocking_read(READ);
            self.arrived(read);
        }
    }

    /// Takes what is there without waiting.
    pub(crate) fn look(&mut self) {
        if !self.is_ready() {
            let read = self.stream.read(READ);
            self.arrived(read);
        }
    }

    fn arrived(&mut self, read: Result<Vec<u8>, StreamError>) {
        match read {
            Ok(bytes) => (self.ahead, self.taken) = (bytes, 0),
            Err(StreamError::Closed) => self.end = End::Closed,
            Err(StreamError::LastOperationFailed(_)) => self.end = End::Failed,
        }
    }

    pub(crate) fn take(&mut self, length: usize) -> P1Result<Vec<u8>> {
        let rest = self.ahead.get(self.taken..).unwrap_or_default();
        let bytes = rest.get(..length.min(rest.len())).unwrap_or_default().to_vec();
        self.taken += bytes.len();
        if bytes.is_empty() && length > 0 {
            let failed = self.end == End::Failed;
            // At a terminal, more may come after an end (Ctrl-D); a failure is
            // told once.
            if failed || self.terminal {
                self.end = End::None;
            }
            if failed {
                return Err(Errno::Io.into());
            }
        }
        Ok(bytes)
    }
}
