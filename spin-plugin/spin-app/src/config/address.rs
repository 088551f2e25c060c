//! Addresses of volumes elsewhere, as far as a manifest must not have
//! something in them: secrets, and a place of this host to write to.
//!
//! A manifest is published with its app. What else an address means is for
//! those who open it.

use percent_encoding::percent_decode_str;

/// Most bytes of an address: 8 KiB. Guards messages, in which it is.
pub const MOST_ADDRESS_BYTES: usize = 8 << 10;

const S3: &str = "s3://";
const NATS: [&str; 2] = ["nats://", "tls://"];

/// Words in the names of keys whose values are secrets. A name is compared in
/// lower case, without `-` and `_`.
const SECRET_KEYS: &[&str] =
    &["accesskey", "secret", "token", "password", "credential", "user", "login", "jwt", "nkey", "seed"];

/// The key of an S3 address that says where this host writes.
const STATE_KEY: &str = "state";

pub(super) const S3_HELP: &str = "write s3://BUCKET/PREFIX, with what is configured behind it as in `?read=through`";
pub(super) const NATS_HELP: &str = "write nats://HOST[:PORT]/VOLUME, or tls://… for an encrypted connection";
const SECRETS_HELP: &str =
    "take it out: credentials come from the environment of `spin up`, or from a file of the host";

/// What is wrong with an address, and the line of help.
pub(super) type Wrong = (&'static str, &'static str);

fn check(address: &str, help: &'static str) -> Result<(), Wrong> {
    if address.len() > MOST_ADDRESS_BYTES {
        return Err(("an address has at most 8 KiB", help));
    }
    if address.chars().any(char::is_control) {
        return Err(("an address has no control characters", help));
    }
    Ok(())
}

/// Whether an address has a user, a password or a token before its host.
fn has_login(address: &str) -> bool {
    let authority = address.split_once("://").map_or(address, |(_, rest)| rest);
    let end = authority.find(['/', '?', '#']).unwrap_or(authority.len());
    authority.get(..end).is_some_and(|authority| authority.contains('@'))
}

/// Checks the address of a volume in a bucket.
pub(super) fn check_s3(address: &str) -> Result<(), Wrong> {
    check(address, S3_HELP)?;
    let rest = address.strip_prefix(S3).ok_or(("it does not begin with s3://", S3_HELP))?;
    if rest.is_empty() || rest.starts_with(['/', '?']) {
        return Err(("the bucket's name is missing", S3_HELP));
    }
    if has_login(address) {
        return Err(("there is an access key in the address", SECRETS_HELP));
    }
    let (_, query) = rest.split_once('?').unwrap_or((rest, ""));
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decoded(name).to_ascii_lowercase();
        let value = decoded(value);
        let plain = name.replace(['-', '_'], "");
        if SECRET_KEYS.iter().any(|word| plain.contains(word)) {
            return Err(("there is a secret in the address", SECRETS_HELP));
        }
        // Such as the server of a journal.
        if value.split(',').any(|one| one.contains("://") && has_login(one)) {
            return Err(("there is a login in the address", SECRETS_HELP));
        }
        if name == STATE_KEY && !is_below(&value) {
            return Err((
                "`state` leads out of the state directory",
                "leave it out, or give a path below the state directory; `spin up --state-dir` moves that",
            ));
        }
    }
    Ok(())
}

/// Checks the address of a served volume.
pub(super) fn check_nats(address: &str) -> Result<(), Wrong> {
    check(address, NATS_HELP)?;
    let rest = NATS
        .iter()
        .find_map(|scheme| address.strip_prefix(scheme))
        .ok_or(("it does not begin with nats:// or tls://", NATS_HELP))?;
    if has_login(address) {
        return Err(("there is a login in the address", SECRETS_HELP));
    }
    match rest.split_once('/') {
        Some((host, volume)) if !host.is_empty() && !volume.is_empty() && !volume.starts_with('/') => Ok(()),
        _ => Err(("the host or the volume's name is missing", NATS_HELP)),
    }
}

/// Whether a path stays below the directory that it begins at.
pub(super) fn is_below(path: &str) -> bool {
    !path.is_empty()
        && !path.starts_with(['/', '\\'])
        && !path.contains([':', '\0'])
        && !path.split(['/', '\\']).any(|name| name == "..")
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_without_secrets() {
        for address in [
            "s3://bucket",
            "s3://bucket/a/b?read=through&endpoint=http://h:1&journal-creds=creds/x",
            "s3://bucket?state=here/there&journal-server=nats://a,nats://b",
            "s3://bucket/a@b",
        ] {
            assert_eq!(check_s3(address), Ok(()), "{address}");
        }
        for address in ["nats://h/data", "tls://[::1]:4222/data/sub@x"] {
            assert_eq!(check_nats(address), Ok(()), "{address}");
        }
    }

    #[test]
    fn what_a_manifest_must_not_have() {
        for (address, expected) in [
            ("bucket", "s3://"),
            ("s3://", "bucket's name"),
            ("s3://?a=b", "bucket's name"),
            ("s3://AKIA:x@bucket", "access key"),
            ("s3://b?access_key=x", "secret"),
            ("s3://b?aws_secret_access_key=x", "secret"),
            ("s3://b?Session-Token=x", "secret"),
            ("s3://b?a=b&%70assword=x", "secret"),
            ("s3://b?credentials=x", "secret"),
            ("s3://b?journal-server=nats://u:p@h", "login"),
            ("s3://b?journal-server=nats://a,nats%3A%2F%2Fu%40h", "login"),
            ("s3://b?endpoint=http://u:p@h", "login"),
            ("s3://b?state=/etc", "state directory"),
            ("s3://b?state=a/../../b", "state directory"),
            ("s3://b\n", "control"),
        ] {
            assert!(check_s3(address).is_err_and(|(message, _)| message.contains(expected)), "{address}");
        }
        for (address, expected) in [
            ("http://h/x", "nats://"),
            ("nats://h", "missing"),
            ("nats:///x", "missing"),
            ("nats://h/", "missing"),
            ("nats://u:p@h/x", "login"),
        ] {
            assert!(check_nats(address).is_err_and(|(message, _)| message.contains(expected)), "{address}");
        }
        assert!(check_s3(&format!("s3://{}", "x".repeat(MOST_ADDRESS_BYTES))).is_err());
    }
}
