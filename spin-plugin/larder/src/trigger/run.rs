//! Runs an app: its server and its commands at once, until it ends or is to
//! end; then its volumes are saved.

use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::flags::{Flags, Format};
use super::site::Site;
use super::start::{Ready, start};
use super::telemetry::{Settings, Telemetry};
use super::{parent, socket, tls};
use crate::exit;
use crate::runtime::{Server, Stop, Wire};

/// Ports that `--find-free-port` tries, from that of `--listen` on.
const MOST_PORTS: u16 = 1000;

/// Runs until a signal comes, whoever started this process is gone, or there is
/// nothing left to do; answers the exit code.
///
/// # Errors
/// When the app cannot be run as it asks; nothing was run then.
pub(super) async fn run(flags: Flags) -> Result<u8> {
    let telemetry = Settings::read(|name| std::env::var(name).ok())?;
    let Ready { name, runtime, volumes, counted, served, state, slots, site, background, logs } = start(&flags)?;
    let serves = site.is_some();
    let traced = site.clone();
    let server = if let Some(site) = site {
        let wire = Wire { tls: acceptor(&flags)?, buffer: flags.http1_max_buf_size };
        let listener = listen(&flags.listen, flags.find_free_port).await?;
        let address = listener.local_addr().context("cannot tell the server's address")?;
        if let Some(logs) = &logs {
            crate::announce(&format!("Logging component stdio to \"{}/\"", logs.display()));
        }
        let banner = banner(&site, address, flags.format)?;
        Some((Server::new(listener, site, slots, flags.grace(), wire), banner))
    } else {
        None
    };
    // Last of what can fail: it sends something also when it has hardly begun.
    let telemetry = telemetry.map(|settings| Telemetry::start(&settings, &name, counted)).transpose()?;
    let tracing = telemetry.as_ref().and_then(Telemetry::tracing);
    if let (Some(site), Some(tracing)) = (traced, &tracing) {
        site.trace(tracing.clone());
    }
    // Whoever waits for the banner may use it.
    let socket = socket::listen(state.as_deref(), served);
    let stop = Stop::on_first_signal(parent::gone());
    let mut commands = JoinSet::new();
    for command in background {
        commands.spawn(command.run(Arc::clone(&runtime), stop.clone(), tracing.clone()));
    }
    let mut well = true;
    if let Some((server, banner)) = server {
        // Scripts wait for it; nobody is left to be told when it is closed.
        let mut out = std::io::stdout();
        let _ = out.write_all(banner.as_bytes()).and_then(|()| out.flush());
        server.run(&stop).await;
    }
    while let Some(ended) = commands.join_next().await {
        well &= ended.unwrap_or_else(|error| {
            crate::notice(&format!("larder failed while a command ran, please report this: {error}"));
            false
        });
    }
    if let Some(socket) = socket {
        socket.stop().await;
    }
    let saved = volumes.save().inspect_err(crate::report);
    // After the volumes: they are worth more than what is told of them.
    if let Some(telemetry) = telemetry {
        telemetry.stop().await;
    }
    if saved.is_err() {
        return Ok(exit::NOT_SAVED);
    }
    // A server that ended as it was told to has done all that it was to do.
    Ok(if well || serves { 0 } else { exit::FAILURE })
}

fn acceptor(flags: &Flags) -> Result<Option<tokio_rustls::TlsAcceptor>> {
    match (&flags.tls_cert, &flags.tls_key) {
        (Some(certificate), Some(key)) => tls::acceptor(certificate, key).map(Some),
        _ => Ok(None),
    }
}

/// Binds `address`, or the next free port of its host.
async fn listen(address: &str, find: bool) -> Result<TcpListener> {
    let tried = TcpListener::bind(address).await;
    let taken = matches!(&tried, Err(error) if error.kind() == ErrorKind::AddrInUse);
    if let (true, true, Some((host, port))) = (taken, find, address.rsplit_once(':'))
        && let Ok(port) = port.parse::<u16>()
    {
        for next in port.saturating_add(1)..=port.saturating_add(MOST_PORTS) {
            if let Ok(listener) = TcpListener::bind(format!("{host}:{next}")).await {
                return Ok(listener);
            }
        }
    }
    tried.with_context(|| {
        format!(
            "cannot listen on {address}: give a free address of this host with `--listen`, such as 127.0.0.1:3001, or `--find-free-port`"
        )
    })
}

/// A route, for `--format json`.
#[derive(Serialize)]
struct Told {
    id: String,
    route: String,
    wildcard: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

#[derive(Serialize)]
struct Serving {
    base_url: String,
    routes: Vec<Told>,
}

/// What is printed when requests are answered: Spin's words, which scripts look
/// for.
fn banner(site: &Site, address: SocketAddr, format: Format) -> Result<String> {
    let base_url = format!("{}://{address}", site.scheme());
    let routes = site.routes().map(|(pattern, target)| Told {
        id: target.component.clone(),
        route: pattern.prefix().to_owned(),
        wildcard: pattern.is_wildcard(),
        description: target.description.clone(),
    });
    let serving = Serving { routes: routes.collect(), base_url };
    if format == Format::Json {
        return Ok(serde_json::to_string_pretty(&serving).context("writing the routes")? + "\n");
    }
    let mut text = format!("\nServing {}\nAvailable Routes:\n", serving.base_url);
    for route in &serving.routes {
        let wildcard = if route.wildcard { " (wildcard)" } else { "" };
        text.push_str(&format!("  {}: {}{}{wildcard}\n", route.id, serving.base_url, route.route));
        if let Some(description) = &route.description {
            text.push_str(&format!("    {}\n", crate::output::printable(description)));
        }
    }
    Ok(text)
}
