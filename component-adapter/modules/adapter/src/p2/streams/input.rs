//! `input-stream`.

use larder_engine::file::{Reader, Stopped};

use super::super::bindings::exports::wasi::io::streams::{GuestInputStream, Pollable, StreamError};
use super::super::bindings::wasi::io::streams::InputStream as HostInput;
use super::super::{error, ready};
use super::stopped;

/// What an `input-stream` of ours reads.
pub(in super::super) enum Input {
    /// A file.
    File(Reader),
    /// A stream of the host.
    Host(HostInput),
}

impl Input {
    pub(in super::super) fn file(reader: Reader) -> Self {
        Self::File(reader)
    }

    pub(in super::super) fn host(stream: HostInput) -> Self {
        Self::Host(stream)
    }

    /// The host's stream, to wait for it.
    pub(super) fn wait(&self) {
        if let Self::Host(stream) = self {
            stream.subscribe().block();
        }
    }
}

/// The next bytes of a file, copied.
fn read_all(reader: &Reader, length: u64) -> Result<Vec<u8>, Stopped> {
    let mut data = Vec::new();
    reader.read_with(length, &mut |piece| data.extend_from_slice(piece))?;
    Ok(data)
}

impl GuestInputStream for Input {
    fn read(&self, length: u64) -> Result<Vec<u8>, StreamError> {
        match self {
            Self::File(reader) => read_all(reader, length).map_err(stopped),
            Self::Host(stream) => stream.read(length).map_err(error::from_host),
        }
    }

    fn blocking_read(&self, length: u64) -> Result<Vec<u8>, StreamError> {
        match self {
            Self::File(_) => self.read(length),
            Self::Host(stream) => stream.blocking_read(length).map_err(error::from_host),
        }
    }

    fn skip(&self, length: u64) -> Result<u64, StreamError> {
        match self {
            Self::File(reader) => reader.skip(length).map_err(stopped),
            Self::Host(stream) => stream.skip(length).map_err(error::from_host),
        }
    }

    fn blocking_skip(&self, length: u64) -> Result<u64, StreamError> {
        match self {
            Self::File(_) => self.skip(length),
            Self::Host(stream) => stream.blocking_skip(length).map_err(error::from_host),
        }
    }

    fn subscribe(&self) -> Pollable {
        match self {
            Self::File(_) => ready(),
            Self::Host(stream) => stream.subscribe(),
        }
    }
}
