//! Running guests: the engine, loading of apps, commands, instances that answer
//! requests, and the HTTP server.

mod app;
mod command;
mod componentize;
mod engine;
mod host;
mod http;
mod instances;
mod limits;
mod origin;
mod outgoing;
mod output;
mod p1;
mod prefixed;
mod server;
mod slots;
mod stop;

pub(crate) use app::{App, AppBytes};
pub(crate) use command::{Outcome, run_command};
pub(crate) use engine::{Cache, Engines, Runtime};
pub(crate) use host::{GuestSetup, Spin, Stdio};
pub(crate) use http::{Body, Failure, RequestLine, whole, with_absolute_uri};
pub(crate) use instances::{InstanceLimits, Instances};
pub(crate) use limits::{DEFAULT_COMMAND_MEMORY, DEFAULT_REQUEST_MEMORY};
pub(crate) use origin::Origin;
pub(crate) use outgoing::{Answering, Outgoing, Within};
pub(crate) use output::{GuestOutput, OutputTarget, Sink};
pub(crate) use server::{
    Answer, DEFAULT_GRACE, DEFAULT_MAX_REQUESTS, DEFAULT_REQUEST_TIMEOUT, Server, ServerOptions, Wire,
};
pub(crate) use slots::Slots;
pub(crate) use stop::Stop;
