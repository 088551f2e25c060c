//! `larder serve`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::guest::{GuestArguments, VolumeArguments};
use crate::exit;
use crate::runtime::{
    App, AppBytes, DEFAULT_GRACE, DEFAULT_MAX_REQUESTS, DEFAULT_REQUEST_MEMORY, DEFAULT_REQUEST_TIMEOUT, Engines,
    GuestSetup, Outgoing, Runtime, Server, ServerOptions, Spin, Stdio, Stop,
};
use crate::units::parse_duration;

const EXAMPLES: &str = "\
Examples:
  larder serve api.wasm
  larder serve api.wasm --listen 0.0.0.0:8080 -v data.larder::/data:sync
  larder serve api.wasm --max-requests 200 --timeout 5s --memory 64MiB

Every request gets its own instance of the app; all see the same volumes. SIGINT, SIGTERM
and SIGHUP stop the server: requests under way get the grace to finish, then volume files
are saved and the exit code is 0.";

/// Serves a wasi:http app over volumes
///
/// APP is a component with `wasi:http/incoming-handler` (0.2) or `wasi:http/handler` (0.3).
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    volumes: VolumeArguments,

    #[command(flatten)]
    guest: GuestArguments,

    /// Where to listen; port 0 takes a free one, which is printed
    #[arg(short, long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080", help_heading = "Server")]
    listen: String,

    /// Instances that answer at a time; more requests wait
    #[arg(long, value_name = "COUNT", default_value_t = DEFAULT_MAX_REQUESTS, help_heading = "Server")]
    max_requests: usize,

    /// Time for requests under way to finish when the server stops [default: 10s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, help_heading = "Server")]
    grace: Option<Duration>,

    /// The app: a component that serves wasi:http
    #[arg(value_name = "APP")]
    app: PathBuf,
}

/// Serves until a signal comes.
///
/// # Errors
/// When the app or a volume cannot be loaded, or the address cannot be bound.
pub(crate) async fn serve(arguments: ServeArguments) -> Result<u8> {
    let (volumes, mounts) = arguments.volumes.mount()?;
    let memory = arguments.guest.memory.unwrap_or(DEFAULT_REQUEST_MEMORY);
    let mut bytes = AppBytes::read(&arguments.app)?;
    if mounts.has_remote() {
        bytes = bytes.forwarding()?;
    }
    let runtime = Arc::new(Runtime::new(
        &arguments.guest.cache.cache(),
        Engines { p3: bytes.may_need_p3(), ..Engines::default() },
    )?);
    let app = App::compile(&runtime, &bytes)?;
    let setup = GuestSetup {
        arguments: vec![bytes.program_name()],
        environment: arguments.guest.environment,
        mounts,
        memory,
        stdio: Stdio::OutputOnly,
        outgoing: Outgoing::Nowhere,
        spin: Spin::default(),
    };
    drop(bytes);
    let options = ServerOptions {
        max_requests: arguments.max_requests,
        request_timeout: arguments.guest.timeout.unwrap_or(DEFAULT_REQUEST_TIMEOUT),
        grace: arguments.grace.unwrap_or(DEFAULT_GRACE),
    };
    let server = Server::bind(runtime, app, setup, &arguments.listen, options).await?;
    let stop = Stop::on_signals();
    crate::announce(&format!("Serving http://{}/", server.address()?));
    server.run(&stop).await;
    if let Err(error) = volumes.save() {
        crate::report(&error);
        return Ok(exit::NOT_SAVED);
    }
    Ok(0)
}
