//! `wasi:io/streams`: streams over files, and the host's streams as ours.

mod abi;
mod input;
mod output;

pub(super) use input::Input;
pub(super) use output::Output;

use super::Adapter;
use super::bindings::exports::wasi::io::streams::{Guest, StreamError};
use super::error;
use larder_engine::file::Stopped;

impl Guest for Adapter {
    type InputStream = Input;
    type OutputStream = Output;
}

fn stopped(stopped: Stopped) -> StreamError {
    match stopped {
        Stopped::Closed => StreamError::Closed,
        Stopped::Failed(error) => error::failed(error),
    }
}
