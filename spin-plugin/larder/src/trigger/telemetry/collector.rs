//! The HTTP client that batches are sent with: hyper over this process's own
//! TLS. The SDK's threads wait for it; what is done is done by Tokio's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use async_trait::async_trait;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::Settings;

/// Bytes of a collector's answer, which has a count and a message. Guards
/// memory.
const MOST_ANSWER_BYTES: usize = 1 << 20;

type Sender = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Sends to collectors.
#[derive(Debug)]
pub(super) struct Collector {
    sender: Sender,
    runtime: Handle,
    patience: Duration,
    /// The user was told that a batch did not arrive.
    told: AtomicBool,
}

impl Collector {
    /// A client whose work is done by the runtime that this is called within.
    ///
    /// # Errors
    /// When encryption is needed, and the system has no authorities.
    pub(super) fn new(settings: &Settings) -> Result<Self> {
        let provider = ring::default_provider();
        let builder = HttpsConnectorBuilder::new();
        let builder = if settings.encrypted() {
            builder.with_provider_and_native_roots(provider).context("OpenTelemetry: the system's authorities")?
        } else {
            // Nobody asks it.
            let config = ClientConfig::builder_with_provider(Arc::new(provider))
                .with_safe_default_protocol_versions()
                .context("cannot set up TLS")?;
            builder.with_tls_config(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
        };
        let connector = builder.https_or_http().enable_http1().build();
        Ok(Self {
            sender: Client::builder(TokioExecutor::new()).build(connector),
            runtime: Handle::current(),
            patience: settings.patience(),
            told: AtomicBool::new(false),
        })
    }

    /// Tells the user of the first batch that did not arrive, and the log of
    /// all.
    fn failed(&self, uri: &str, why: &str) {
        tracing::warn!("OpenTelemetry: {uri}: {why}");
        if !self.told.swap(true, Ordering::Relaxed) {
            crate::notice(&format!(
                "telemetry did not reach the OpenTelemetry collector at {uri}, and more of it may be lost: {why}"
            ));
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let uri = crate::output::printable(&without_credentials(request.uri()));
        let patience = self.patience;
        let sender = self.sender.clone();
        // A task of the runtime: the SDK's thread that waits for it has none.
        let sent = self.runtime.spawn(async move {
            match tokio::time::timeout(patience, send(&sender, request)).await {
                Ok(answered) => answered,
                Err(_) => Err(format!("no answer within {patience:?}").into()),
            }
        });
        let answered = sent.await.unwrap_or_else(|error| Err(error.into()));
        match &answered {
            Ok(response) if response.status().is_success() => {}
            Ok(response) => self.failed(&uri, &format!("it answered {}", response.status())),
            Err(error) => self.failed(&uri, &with_causes(&**error)),
        }
        answered
    }
}

async fn send(sender: &Sender, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let (head, body) = sender.request(request.map(Full::new)).await?.into_parts();
    let body = Limited::new(body, MOST_ANSWER_BYTES).collect().await?.to_bytes();
    Ok(Response::from_parts(head, body))
}

/// A URI for messages: it may have a user and a password.
fn without_credentials(uri: &hyper::Uri) -> String {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{}://{host}{}", uri.scheme_str().unwrap_or("http"), uri.path())
}

/// hyper's errors say what went wrong in their causes.
fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_no_credentials() {
        let shown = |uri: &'static str| without_credentials(&hyper::Uri::from_static(uri));
        assert_eq!(shown("http://user:secret@host:4318/v1/traces?key=secret"), "http://host:4318/v1/traces");
        assert_eq!(shown("https://host/v1/metrics"), "https://host/v1/metrics");
    }
}
