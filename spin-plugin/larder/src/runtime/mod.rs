//! Running guests: the engine, loading of apps, commands, and the
//! HTTP server.

mod app;
mod command;
mod engine;
mod host;
mod http;
mod limits;
mod p1;
mod prefixed;
mod server;
mod stop;

pub(crate) use app::{App, AppBytes};
pub(crate) use command::{Outcome, run_command};
pub(crate) use engine::{Cache, Runtime};
pub(crate) use host::{GuestSetup, Stdio};
pub(crate) use limits::{DEFAULT_COMMAND_MEMORY, DEFAULT_REQUEST_MEMORY};
pub(crate) use server::{DEFAULT_GRACE, DEFAULT_MAX_REQUESTS, DEFAULT_REQUEST_TIMEOUT, Server, ServerOptions};
pub(crate) use stop::Stop;
