//! `output-stream`.

use larder_engine::file::{Writer, Zeros};
use larder_engine::limits::{MAX_BLOCKING_WRITE, MAX_BLOCKING_ZEROES, MAX_SPLICE, MAX_WRITE};

use super::super::bindings::exports::wasi::io::streams::{
    GuestInputStream as _, GuestOutputStream, InputStreamBorrow, Pollable, StreamError,
};
use super::super::bindings::wasi::io::streams::OutputStream as HostOutput;
use super::super::{error, now, ready};
use super::{Input, stopped};

/// What an `output-stream` of ours writes to.
pub(in super::super) enum Output {
    /// A file.
    File(Writer),
    /// A stream of the host.
    Host(HostOutput),
}

impl Output {
    pub(in super::super) fn file(writer: Writer) -> Self {
        Self::File(writer)
    }

    pub(in super::super) fn host(stream: HostOutput) -> Self {
        Self::Host(stream)
    }

    /// Moves what `source` has at hand, at most `length` bytes and what the
    /// stream permits.
    fn transfer(&self, source: &Input, length: u64) -> Result<u64, StreamError> {
        if let (Self::Host(to), Input::Host(from)) = (self, source) {
            return to.splice(from, length).map_err(error::from_host);
        }
        let length = length.min(self.check_write()?);
        if length == 0 {
            return Ok(0);
        }
        if let (Self::File(to), Input::File(from)) = (self, source) {
            let pieces = from.take(length).map_err(stopped)?;
            let moved = pieces.0.len() as u64;
            return to.write(now, &pieces).map(|()| moved).map_err(stopped);
        }
        let data = source.read(length.min(MAX_SPLICE as u64))?;
        let moved = data.len() as u64;
        self.write(data).map(|()| moved)
    }
}

/// The WIT lets a stream trap when more is written than it permits.
fn permitted(length: u64, most: u64) {
    if length > most {
        core::arch::wasm32::unreachable()
    }
}

fn zeroes(writer: &Writer, length: u64) -> Result<(), StreamError> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    writer.write(now, &Zeros(length)).map_err(stopped)
}

impl GuestOutputStream for Output {
    fn check_write(&self) -> Result<u64, StreamError> {
        match self {
            Self::File(writer) => writer.check().map(|()| MAX_WRITE as u64).map_err(stopped),
            Self::Host(stream) => stream.check_write().map_err(error::from_host),
        }
    }

    fn write(&self, contents: Vec<u8>) -> Result<(), StreamError> {
        match self {
            Self::File(writer) => writer.write(now, &contents.as_slice()).map_err(stopped),
            Self::Host(stream) => stream.write(&contents).map_err(error::from_host),
        }
    }

    fn blocking_write_and_flush(&self, contents: Vec<u8>) -> Result<(), StreamError> {
        match self {
            Self::File(writer) => {
                permitted(contents.len() as u64, MAX_BLOCKING_WRITE as u64);
                writer.write(now, &contents.as_slice()).map_err(stopped)
            }
            Self::Host(stream) => stream.blocking_write_and_flush(&contents).map_err(error::from_host),
        }
    }

    fn flush(&self) -> Result<(), StreamError> {
        match self {
            Self::File(writer) => writer.check().map_err(stopped),
            Self::Host(stream) => stream.flush().map_err(error::from_host),
        }
    }

    fn blocking_flush(&self) -> Result<(), StreamError> {
        match self {
            Self::File(writer) => writer.check().map_err(stopped),
            Self::Host(stream) => stream.blocking_flush().map_err(error::from_host),
        }
    }

    fn subscribe(&self) -> Pollable {
        match self {
            Self::File(_) => ready(),
            Self::Host(stream) => stream.subscribe(),
        }
    }

    fn write_zeroes(&self, length: u64) -> Result<(), StreamError> {
        match self {
            Self::File(writer) => {
                permitted(length, MAX_WRITE as u64);
                zeroes(writer, length)
            }
            Self::Host(stream) => stream.write_zeroes(length).map_err(error::from_host),
        }
    }

    fn blocking_write_zeroes_and_flush(&self, length: u64) -> Result<(), StreamError> {
        match self {
            Self::File(writer) => {
                permitted(length, MAX_BLOCKING_ZEROES);
                zeroes(writer, length)
            }
            Self::Host(stream) => stream.blocking_write_zeroes_and_flush(length).map_err(error::from_host),
        }
    }

    fn splice(&self, source: InputStreamBorrow<'_>, length: u64) -> Result<u64, StreamError> {
        self.transfer(source.get::<Input>(), length)
    }

    fn blocking_splice(&self, source: InputStreamBorrow<'_>, length: u64) -> Result<u64, StreamError> {
        let source = source.get::<Input>();
        if let (Self::Host(to), Input::Host(from)) = (self, source) {
            return to.blocking_splice(from, length).map_err(error::from_host);
        }
        source.wait();
        if let Self::Host(stream) = self {
            stream.subscribe().block();
        }
        self.transfer(source, length)
    }
}
