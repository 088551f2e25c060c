//! A secrets backend, as wasmCloud's hosts ask one over NATS: requests and
//! answers are sealed for whoever they are for.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use async_nats::{Client, HeaderMap, Message};
use futures::StreamExt as _;
use nkeys::XKey;
use tokio::task::JoinHandle;
use wasmcloud_secrets_types::{
    GetSecretError, RESPONSE_XKEY, SECRET_API_VERSION, Secret, SecretConfig, SecretRequest, SecretResponse,
    WASMCLOUD_HOST_XKEY,
};

/// The setting of a host that lets it ask for secrets.
pub const SECRETS: [(&str, &str); 1] = [("WASMCLOUD_SECRETS_TOPIC", TOPIC)];

const TOPIC: &str = "wasmcloud.secrets";

/// The name of this backend.
const BACKEND: &str = "test";

/// The backend. It ends with its owner.
pub struct Secrets(JoinHandle<()>);

impl Secrets {
    /// Serves these secrets, by their names.
    ///
    /// # Errors
    /// When the lattice's NATS can't be subscribed to.
    pub async fn serve(nats: Client, secrets: &[(&str, &str)]) -> Result<Self> {
        let secrets = crate::texts(secrets);
        let keys = XKey::new();
        let prefix = format!("{TOPIC}.{SECRET_API_VERSION}.{BACKEND}");
        let mut key_requests = nats.subscribe(format!("{prefix}.server_xkey")).await?;
        let mut requests = nats.subscribe(format!("{prefix}.get")).await?;
        nats.flush().await?;
        Ok(Self(tokio::spawn(async move {
            loop {
                tokio::select! {
                    Some(request) = key_requests.next() => {
                        let Some(reply) = request.reply else { continue };
                        let _ = nats.publish(reply, keys.public_key().into()).await;
                    }
                    Some(request) = requests.next() => {
                        // Whoever gets no answer waits in vain, which its test notices.
                        let _ = answer(&nats, &keys, &secrets, request).await;
                    }
                    else => return,
                }
            }
        })))
    }
}

impl Drop for Secrets {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn answer(nats: &Client, keys: &XKey, secrets: &HashMap<String, String>, request: Message) -> Result<()> {
    let asker = request.headers.as_ref().and_then(|headers| headers.get(WASMCLOUD_HOST_XKEY));
    let asker = XKey::from_public_key(asker.context("no key of the host")?.as_str())?;
    let opened = keys.open(&request.payload, &asker)?;
    let response = match serde_json::from_slice::<SecretRequest>(&opened) {
        Ok(asked) if asked.context.valid_claims().is_err() => GetSecretError::Unauthorized.into(),
        Ok(asked) => secrets.get(&asked.key).map_or_else(|| GetSecretError::SecretNotFound.into(), |text| secret(text)),
        Err(_) => GetSecretError::InvalidRequest.into(),
    };
    let once = XKey::new();
    let sealed = once.seal(&serde_json::to_vec(&response)?, &asker)?;
    let mut headers = HeaderMap::new();
    headers.insert(RESPONSE_XKEY, once.public_key());
    nats.publish_with_headers(request.reply.context("nobody waits")?, headers, sealed.into()).await?;
    Ok(())
}

fn secret(text: &str) -> SecretResponse {
    let secret = Secret { version: "1".to_owned(), string_secret: Some(text.to_owned()), binary_secret: None };
    SecretResponse { secret: Some(secret), error: None }
}

/// The name of the configuration that refers to a secret, and the reference.
pub(crate) fn reference(name: &str) -> Result<(String, HashMap<String, String>)> {
    let owned = name.to_owned();
    let reference = SecretConfig::new(owned.clone(), BACKEND.to_owned(), owned, None, None, HashMap::new());
    Ok((format!("SECRET_{name}"), reference.try_into()?))
}
