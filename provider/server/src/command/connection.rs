//! The connection to NATS. Once it is there, async-nats restores it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use async_nats::{ConnectErrorKind, ConnectOptions};

use super::configuration::Nats;

/// How long the first connection is tried: NATS may be starting just now.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// Connects, and tries again for half a minute where NATS is not there yet.
///
/// # Errors
/// When a file of the settings cannot be read, NATS refuses us, or is not
/// there in time.
pub(crate) async fn connect(nats: &Nats) -> Result<async_nats::Client> {
    let options = options(nats).await?;
    let begun = Instant::now();
    loop {
        let error = match options.clone().connect(&nats.url).await {
            Ok(client) => return Ok(client),
            Err(error) => error,
        };
        // These do not get better by themselves.
        let is_final = matches!(
            error.kind(),
            ConnectErrorKind::ServerParse
                | ConnectErrorKind::Authentication
                | ConnectErrorKind::AuthorizationViolation
                | ConnectErrorKind::Tls
        );
        if is_final || begun.elapsed() > PATIENCE {
            return Err(error).with_context(|| format!("cannot connect to NATS at {}", nats.shown_url()));
        }
        tracing::info!(%error, "NATS is not there yet");
        tokio::time::sleep(PAUSE).await;
    }
}

async fn options(nats: &Nats) -> Result<ConnectOptions> {
    let mut options = ConnectOptions::new().name("larder-provider");
    if let Some(path) = &nats.credentials {
        let read = options.credentials_file(path).await;
        options = read.with_context(|| format!("cannot use the credentials {}", path.display()))?;
    }
    if let (Some(user), Some(path)) = (&nats.user, &nats.password_file) {
        let read = std::fs::read_to_string(path);
        let password = read.with_context(|| format!("cannot read the password file {}", path.display()))?;
        options = options.user_and_password(user.clone(), password.trim_end_matches(['\r', '\n']).to_owned());
    }
    if let Some(path) = &nats.tls.ca {
        options = options.add_root_certificates(path.clone()).require_tls(true);
    }
    if let (Some(certificate), Some(key)) = (&nats.tls.certificate, &nats.tls.key) {
        options = options.add_client_certificate(certificate.clone(), key.clone()).require_tls(true);
    }
    Ok(options)
}
