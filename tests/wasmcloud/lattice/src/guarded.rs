//! NATS servers beside the lattice's, that want to know who comes.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use data_encoding::BASE64URL_NOPAD;
use nkeys::KeyPair;
use serde_json::{Value, json};

use crate::{Process, cache, eventually, free_port, part};

/// A NATS server. It ends with its owner.
pub struct Guarded {
    _process: Process,
    port: u16,
}

impl Guarded {
    /// One that knows one user by a password.
    ///
    /// # Errors
    /// When NATS is missing or does not start.
    pub async fn by_password(directory: &Path, user: &str, password: &str) -> Result<Self> {
        Self::start(directory, &format!("authorization {{ user: {user}, password: \"{password}\" }}")).await
    }

    /// One that knows users by what their account has signed, and the text of
    /// the credentials file of one of them.
    ///
    /// # Errors
    /// As [`by_password`](Self::by_password).
    pub async fn by_credentials(directory: &Path) -> Result<(Self, String)> {
        let (operator, account, user) = (KeyPair::new_operator(), KeyPair::new_account(), KeyPair::new_user());
        let of_operator = signed(&operator, &operator, json!({ "version": 2, "type": "operator" }))?;
        let limits = json!({ "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true,
            "conn": -1, "leaf": -1 });
        let of_account = signed(&operator, &account, json!({ "version": 2, "type": "account", "limits": limits }))?;
        let of_user = json!({ "version": 2, "type": "user", "subs": -1, "data": -1, "payload": -1 });
        let of_user = signed(&account, &user, of_user)?;
        let preload = format!("{{ {}: {of_account} }}", account.public_key());
        let configuration = format!("operator: {of_operator}\nresolver: MEMORY\nresolver_preload: {preload}");
        let credentials = format!(
            "-----BEGIN NATS USER JWT-----\n{of_user}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
            user.seed()?
        );
        Ok((Self::start(directory, &configuration).await?, credentials))
    }

    async fn start(directory: &Path, configuration: &str) -> Result<Self> {
        let program = part("LARDER_NATS_SERVER", cache().join("tools/bin/nats-server"), "tests/tools")?;
        let (port, file) = (free_port()?, directory.join("guarded.conf"));
        std::fs::write(&file, configuration)?;
        let mut command = Command::new(program);
        command.args(["-a", "127.0.0.1", "-p", &port.to_string(), "-c"]).arg(&file);
        let process = Process::start(command.stderr(File::create(directory.join("guarded.log"))?))?;
        eventually(async || Ok(std::net::TcpStream::connect(("127.0.0.1", port))?)).await?;
        Ok(Self { _process: process, port })
    }

    /// Host and port.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

/// A JWT as NATS has them: what the issuer says of a subject.
fn signed(issuer: &KeyPair, subject: &KeyPair, claims: Value) -> Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let name = subject.public_key();
    let payload =
        json!({ "jti": name, "iat": now, "iss": issuer.public_key(), "sub": name, "name": name, "nats": claims });
    let header = json!({ "typ": "JWT", "alg": "ed25519-nkey" });
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let text = format!("{}.{}", part(&header), part(&payload));
    let signature = BASE64URL_NOPAD.encode(&issuer.sign(text.as_bytes())?);
    Ok(format!("{text}.{signature}"))
}
