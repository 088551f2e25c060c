//! `larder adapter`.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use larder_compose::plug::Adapter;

use super::binary::write_binary;

const EXAMPLES: &str = "\
Examples:
  larder adapter -o larder-adapter.wasm
  wac plug app.wasm --plug larder-adapter.wasm -o standalone.wasm
  larder adapter --wasi 0.3 -o larder-adapter-0.3.wasm

An adapter serves commands. For apps that serve HTTP, and for speed, use larder compose;
docs/static.md says why.";

/// Writes the adapter component for `wac plug`
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AdapterArguments {
    /// The version of WASI that the app imports files from
    #[arg(long, value_name = "VERSION", default_value = "0.2")]
    wasi: Version,

    /// Where to write the component
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Version {
    /// Files and standard streams
    #[value(name = "0.2")]
    P2,
    /// The same and TCP connections; imports sockets from its host
    #[value(name = "0.2-tcp")]
    P2Tcp,
    /// Files
    #[value(name = "0.3")]
    P3,
    /// Both over one store
    #[value(name = "0.3+0.2")]
    P3AndP2,
}

/// Writes it.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn adapter(arguments: &AdapterArguments) -> Result<()> {
    let adapter = match arguments.wasi {
        Version::P2 => Adapter::P2,
        Version::P2Tcp => Adapter::P2Tcp,
        Version::P3 => Adapter::P3,
        Version::P3AndP2 => Adapter::P3AndP2,
    };
    write_binary(&arguments.output, adapter.bytes())
}
