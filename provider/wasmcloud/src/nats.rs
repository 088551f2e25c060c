//! The NATS over which the volumes are served to `larder`: which server, and who
//! the provider is there. What says so may be secret, and is never shown.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use async_nats::{AuthError, ConnectOptions, ServerAddr};
use nkeys::KeyPair;
use wasmcloud_provider_sdk::HostData;
use wasmcloud_provider_sdk::core::secrets::SecretValue;

use crate::buckets;

const URL: &str = "nats_url";
const CREDENTIALS: &str = "nats_credentials";
const USER: &str = "nats_user";
const PASSWORD: &str = "nats_password";

/// The keys that this module is about: also those which may be secrets.
const KEYS: [&str; 4] = [URL, CREDENTIALS, USER, PASSWORD];

/// Who the provider is on NATS.
#[derive(Debug, Default, PartialEq, Eq)]
enum Login {
    /// Whom the URL names, or the lattice's user where there is no URL.
    #[default]
    Given,
    /// The text of a credentials file.
    Credentials(String),
    User {
        name: String,
        password: String,
    },
}

/// What the configuration says of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Access {
    /// Another server than the lattice's.
    url: Option<String>,
    login: Login,
}

impl Access {
    /// Takes its keys out of the configuration, as they are: a password may look
    /// like a number.
    ///
    /// # Errors
    /// Keys that contradict each other; a secret that is not for this module, is
    /// no text or is in the configuration as well.
    pub(crate) fn take(config: &mut HashMap<String, String>, secrets: &HashMap<String, SecretValue>) -> Result<Self> {
        let mut texts: HashMap<&str, String> =
            KEYS.into_iter().filter_map(|key| Some((key, config.remove(key)?))).collect();
        for (name, secret) in secrets {
            if buckets::KEYS.contains(&name.as_str()) {
                continue;
            }
            let Some(key) = KEYS.into_iter().find(|key| key == name) else {
                bail!("the secret `{name}` is not known: there are {}, {}", KEYS.join(", "), buckets::KEYS.join(", "));
            };
            let text = text(secret).with_context(|| format!("the secret `{name}` is no text"))?;
            ensure!(texts.insert(key, text).is_none(), "`{name}` is a secret and in the configuration, too");
        }
        let login = match (texts.remove(CREDENTIALS), texts.remove(USER), texts.remove(PASSWORD)) {
            (None, None, None) => Login::Given,
            (Some(credentials), None, None) => Login::Credentials(credentials),
            (None, Some(name), Some(password)) => Login::User { name, password },
            (None, ..) => bail!("`{USER}` and `{PASSWORD}` belong together"),
            (Some(_), ..) => bail!("give either `{CREDENTIALS}` or `{USER}` and `{PASSWORD}`, not both"),
        };
        Ok(Self { url: texts.remove(URL), login })
    }

    /// Connects, as the host told the provider to where nothing else is said.
    ///
    /// # Errors
    /// A URL or credentials that are none, or NATS that can't be reached or does
    /// not know them.
    pub(crate) async fn connect(self, host: &HostData) -> Result<async_nats::Client> {
        let options = match self.login {
            Login::Credentials(text) => {
                ConnectOptions::new().credentials(&text).with_context(|| format!("`{CREDENTIALS}` are none"))?
            }
            Login::User { name, password } => ConnectOptions::with_user_and_password(name, password),
            Login::Given if self.url.is_none() && !host.lattice_rpc_user_seed.is_empty() => {
                let keys = Arc::new(KeyPair::from_seed(&host.lattice_rpc_user_seed)?);
                ConnectOptions::with_jwt(host.lattice_rpc_user_jwt.clone(), move |nonce| {
                    let keys = Arc::clone(&keys);
                    async move { keys.sign(&nonce).map_err(AuthError::new) }
                })
            }
            Login::Given => ConnectOptions::new(),
        };
        let url = self.url.as_deref().unwrap_or(&host.lattice_rpc_url);
        let servers: Servers = url.parse()?;
        let connected = options.name("larder-provider").connect(&servers.0).await;
        connected.with_context(|| format!("cannot connect to NATS at {servers}"))
    }
}

/// The text of a secret; some backends have all of them as bytes.
pub(crate) fn text(secret: &SecretValue) -> Option<String> {
    match secret {
        SecretValue::String(text) => Some(text.clone()),
        SecretValue::Bytes(bytes) => String::from_utf8(bytes.clone()).ok(),
    }
}

/// One server or several, with commas between them. Shown without user and
/// password.
struct Servers(Vec<ServerAddr>);

impl std::str::FromStr for Servers {
    type Err = anyhow::Error;

    fn from_str(url: &str) -> Result<Self> {
        let servers = url.split(',').map(str::parse).collect::<Result<_, _>>();
        servers.map(Self).context("the address of NATS is none")
    }
}

impl fmt::Display for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, server) in self.0.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            write!(f, "{comma}{}://{}:{}", server.scheme(), server.host(), server.port())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Config<'a> = &'a [(&'a str, &'a str)];
    type Secrets<'a> = &'a [(&'a str, SecretValue)];

    fn take(config: Config<'_>, secrets: Secrets<'_>) -> Result<Access> {
        let mut config = config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let secrets = secrets.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Access::take(&mut config, &secrets)
    }

    fn secret(text: &str) -> SecretValue {
        SecretValue::String(text.to_owned())
    }

    #[test]
    fn a_login_comes_from_secrets_and_configuration() {
        assert_eq!(take(&[], &[]).unwrap(), Access::default());
        let user = Login::User { name: "larder".to_owned(), password: "007".to_owned() };
        let expected = Access { url: Some("nats://a:1".to_owned()), login: user };
        let config = [("nats_url", "nats://a:1"), ("nats_user", "larder")];
        assert_eq!(take(&config, &[("nats_password", secret("007"))]).unwrap(), expected);
        let bytes = SecretValue::Bytes(b"007".to_vec());
        assert_eq!(take(&config, &[("nats_password", bytes)]).unwrap(), expected);
        let expected = Access { url: None, login: Login::Credentials("text".to_owned()) };
        assert_eq!(take(&[], &[("nats_credentials", secret("text"))]).unwrap(), expected);
    }

    #[test]
    fn what_contradicts_itself_is_named_and_no_secret_shown() {
        let cases: [(Config<'_>, Secrets<'_>, &str); 6] = [
            (&[("nats_user", "a")], &[], "belong together"),
            (&[], &[("nats_password", secret("hidden"))], "belong together"),
            (&[("nats_user", "a")], &[("nats_credentials", secret("hidden"))], "not both"),
            (&[("nats_url", "a")], &[("nats_url", secret("hidden"))], "a secret and in the configuration"),
            (&[], &[("volumes.data.file", secret("hidden"))], "`volumes.data.file` is not known"),
            (&[], &[("nats_url", SecretValue::Bytes(vec![0xff]))], "no text"),
        ];
        for (config, secrets, says) in cases {
            let error = format!("{:#}", take(config, secrets).unwrap_err());
            assert!(error.contains(says) && !error.contains("hidden"), "{error}");
        }
    }

    #[test]
    fn servers_are_shown_without_their_users() {
        let servers: Servers = "nats://larder:hidden@a:4223,tls://token@b".parse().unwrap();
        assert_eq!(servers.to_string(), "nats://a:4223,tls://b:4222");
        for wrong in ["http://a:hidden@b", "nats://a:hidden@b:port"] {
            let error = wrong.parse::<Servers>().err().map(|error| format!("{error:#}")).unwrap();
            assert!(!error.contains("hidden"), "{error}");
        }
    }
}
