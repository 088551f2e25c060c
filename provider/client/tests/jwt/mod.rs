//! NATS's decentralised authentication: an operator, an account and users,
//! each a key, and claims of each that the one above signed.
#![allow(unreachable_pub, clippy::unwrap_used, reason = "a test fails by panicking")]

use nkeys::KeyPair;
use serde_json::{Value, json};

/// An operator with one account.
pub struct Operator {
    operator: KeyPair,
    account: KeyPair,
}

fn base64(bytes: &[u8]) -> String {
    data_encoding::BASE64URL_NOPAD.encode(bytes)
}

/// Claims on `subject`, signed by `issuer`.
fn claims(issuer: &KeyPair, subject: &str, name: &str, nats: &Value) -> String {
    let header = json!({ "typ": "JWT", "alg": "ed25519-nkey" });
    let claims =
        json!({ "jti": name, "iat": 1, "iss": issuer.public_key(), "sub": subject, "name": name, "nats": nats });
    let text = format!("{}.{}", base64(header.to_string().as_bytes()), base64(claims.to_string().as_bytes()));
    let signature = issuer.sign(text.as_bytes()).unwrap();
    format!("{text}.{}", base64(&signature))
}

impl Operator {
    pub fn new() -> Self {
        Self { operator: KeyPair::new_operator(), account: KeyPair::new_account() }
    }

    /// Of a server that trusts this operator.
    pub fn configuration(&self) -> String {
        let (operator, account) = (self.operator.public_key(), self.account.public_key());
        let of_operator = claims(&self.operator, &operator, "operator", &json!({ "type": "operator", "version": 2 }));
        // -1: no limit.
        let limits = json!({
            "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1, "leaf": -1
        });
        let nats = json!({ "type": "account", "version": 2, "limits": limits });
        let of_account = claims(&self.operator, &account, "account", &nats);
        format!("operator: {of_operator}\nresolver: MEMORY\nresolver_preload: {{ {account}: {of_account} }}\n")
    }

    /// The credentials file of a new user.
    pub fn user(&self, name: &str, publish: &[&str], subscribe: &[&str]) -> String {
        let user = KeyPair::new_user();
        let nats = json!({
            "type": "user", "version": 2, "pub": { "allow": publish }, "sub": { "allow": subscribe },
            "subs": -1, "data": -1, "payload": -1
        });
        let jwt = claims(&self.account, &user.public_key(), name, &nats);
        let seed = user.seed().unwrap();
        format!(
            "-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        )
    }
}
