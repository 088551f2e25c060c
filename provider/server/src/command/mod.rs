//! The command: reads the configuration, loads the volumes, serves them until
//! it is told to end, and saves them.

mod configuration;
mod connection;

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use larder_nats_server::{OpenVolume, ServerOptions, Serving};

use configuration::Configuration;

/// Serves Larder volumes over NATS.
#[derive(Debug, Parser)]
#[command(name = "larder-provider", version)]
pub(crate) struct Arguments {
    /// The configuration: which volumes are served, and how NATS is reached
    #[arg(long, value_name = "FILE")]
    config: PathBuf,

    /// The NATS server, instead of the one in the configuration
    #[arg(long, value_name = "URL", env = "NATS_URL")]
    nats: Option<String>,

    /// A NATS credentials file
    #[arg(long, value_name = "FILE")]
    creds: Option<PathBuf>,

    /// The certificates of the authorities that NATS's certificate is checked against
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,

    /// The certificate that is shown to NATS
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,

    /// The key of that certificate
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
}

/// Tells the operator something on standard error.
pub(crate) fn say(text: &str) {
    // Nobody is left to be told when standard error is closed.
    let _ = writeln!(std::io::stderr(), "larder-provider: {text}");
}

/// Runs the command to its end.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let configuration = Configuration::read(arguments)?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start")?
        .block_on(serve(configuration))
}

async fn serve(configuration: Configuration) -> Result<()> {
    let mut end = std::pin::pin!(told_to_end()?);
    let volumes = configuration.open_volumes()?;
    let nats = tokio::select! {
        connected = connection::connect(&configuration.nats) => connected?,
        () = &mut end => return Ok(()),
    };
    let options = ServerOptions {
        lease: configuration.server.lease(),
        most_sessions: configuration.server.most_sessions,
        most_in_progress: configuration.server.most_in_progress,
        ..ServerOptions::default()
    };
    let names = volumes.iter().map(OpenVolume::name).collect::<Vec<_>>().join(", ");
    let serving = Serving::start(nats, volumes, options).await?;
    say(&format!("serving {names} on {}", configuration.nats.shown_url()));
    writeln!(std::io::stdout(), "ready")
        .and_then(|()| std::io::stdout().flush())
        .context("writing to standard output")?;

    end.await;
    serving.stop().await
}

/// Ends when the process is told to end.
#[cfg(unix)]
fn told_to_end() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).context("cannot listen to signals");
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Ends when the process is told to end.
#[cfg(not(unix))]
fn told_to_end() -> Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
