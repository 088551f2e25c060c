//! `wasi:cli/{stdin,stdout,stderr}`: the host's streams as streams of ours.

use super::Adapter;
use super::bindings::exports::wasi::cli::{stderr, stdin, stdout};
use super::bindings::exports::wasi::io::streams::{InputStream, OutputStream};
use super::bindings::wasi::cli;
use super::streams::{Input, Output};

impl stdin::Guest for Adapter {
    fn get_stdin() -> InputStream {
        InputStream::new(Input::host(cli::stdin::get_stdin()))
    }
}

impl stdout::Guest for Adapter {
    fn get_stdout() -> OutputStream {
        OutputStream::new(Output::host(cli::stdout::get_stdout()))
    }
}

impl stderr::Guest for Adapter {
    fn get_stderr() -> OutputStream {
        OutputStream::new(Output::host(cli::stderr::get_stderr()))
    }
}
