//! NATS as what requests travel on.

use std::sync::Arc;

use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, RequestErrorKind, ServerError};
use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::address::{Address, Login};
use crate::connection::{FIRST_PAUSE, LONGEST_PAUSE, Line, Options};
use crate::error::ConnectError;
use crate::transport::{Answering, Transport, Unsent};

/// One subject of a volume.
struct Subject {
    client: Client,
    subject: Arc<str>,
}

impl Transport for Subject {
    fn send(&self, request: Bytes) -> Answering<'_> {
        Box::pin(async move {
            let request = async_nats::Request::new().payload(request).timeout(None);
            match self.client.send_request(self.subject.to_string(), request).await {
                Ok(message) => Ok(message.payload),
                Err(error) => Err(match error.kind() {
                    RequestErrorKind::NoResponders => Unsent::Nobody,
                    RequestErrorKind::InvalidSubject | RequestErrorKind::MaxPayloadExceeded => {
                        Unsent::Never(error.to_string())
                    }
                    RequestErrorKind::TimedOut | RequestErrorKind::Other => Unsent::Lost,
                }),
            }
        })
    }

    fn may_lose(&self) -> bool {
        true
    }
}

/// Connects until the deadline: also the client, for what is no request.
pub(crate) async fn connect(
    address: Address,
    options: Options,
    deadline: Instant,
) -> Result<(Line, Client), ConnectError> {
    let (refusals, refused) = watch::channel(String::new());
    let refusals = Arc::new(refusals);
    let mut pause = FIRST_PAUSE;
    loop {
        let settings = settings(&address, &options, Arc::clone(&refusals)).await?;
        let unreachable = |reason: String| ConnectError::Unreachable { server: address.server(), reason };
        let error = match timeout_at(deadline, settings.connect(address.server())).await {
            Ok(Ok(client)) => {
                let subject = larder_protocol::subject(address.volume(), options.access).into();
                let transport = Arc::new(Subject { client: client.clone(), subject });
                return Ok((Line::new(transport, refused), client));
            }
            Ok(Err(error)) => error,
            Err(_) => return Err(unreachable("it does not answer".to_owned())),
        };
        match error.kind() {
            ConnectErrorKind::AuthorizationViolation => {
                return Err(ConnectError::Refused { server: address.server() });
            }
            // Another attempt would meet the same certificate.
            ConnectErrorKind::Io if is_untrusted(&error) => return Err(unreachable(error.to_string())),
            // It may be starting.
            ConnectErrorKind::Io | ConnectErrorKind::TimedOut if Instant::now() + pause < deadline => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            _ => return Err(unreachable(error.to_string())),
        }
    }
}

/// Whether TLS failed: tokio-rustls makes that an error of invalid data.
fn is_untrusted(error: &async_nats::ConnectError) -> bool {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let mut kinds = causes.filter_map(|cause| cause.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    kinds.any(|kind| kind == std::io::ErrorKind::InvalidData)
}

async fn settings(
    address: &Address,
    options: &Options,
    refusals: Arc<watch::Sender<String>>,
) -> Result<ConnectOptions, ConnectError> {
    let mut settings = ConnectOptions::new()
        .name(format!("larder {}", options.client_name))
        .require_tls(address.tls())
        .reconnect_delay_callback(|attempts| {
            let doubled = u32::try_from(attempts.saturating_sub(1).min(6)).unwrap_or(0);
            (FIRST_PAUSE * 2_u32.pow(doubled)).min(LONGEST_PAUSE)
        })
        .event_callback(move |event| {
            let refusals = Arc::clone(&refusals);
            async move { tell(&event, &refusals) }
        });
    settings = match address.login() {
        Some(Login::User { name, password }) => settings.user_and_password(name.clone(), password.clone()),
        Some(Login::Token(token)) => settings.token(token.clone()),
        None => settings,
    };
    if let Some(path) = &options.credentials {
        let unusable =
            |error| ConnectError::Setup(format!("the credentials {} cannot be used: {error}", path.display()));
        settings = settings.credentials_file(path).await.map_err(unusable)?;
    }
    if let Some(path) = &options.tls_ca {
        // Otherwise a file that is missing is an unreachable server.
        let unusable =
            |error| ConnectError::Setup(format!("the certificate {} cannot be read: {error}", path.display()));
        tokio::fs::metadata(path).await.map_err(unusable)?;
        settings = settings.add_root_certificates(path.clone());
    }
    Ok(settings)
}

/// Takes in what happens to the connection.
fn tell(event: &Event, refusals: &watch::Sender<String>) {
    match event {
        Event::ServerError(ServerError::Other(text))
            if text.to_ascii_lowercase().starts_with("permissions violation") =>
        {
            tracing::warn!("NATS: {text}");
            refusals.send_replace(text.clone());
        }
        Event::Connected => tracing::debug!("NATS: connected"),
        Event::Disconnected | Event::LameDuckMode | Event::Draining => tracing::info!("NATS: {event}"),
        other => tracing::warn!("NATS: {other}"),
    }
}
