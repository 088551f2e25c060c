//! Addresses of volumes.

use std::fmt;
use std::str::FromStr;

use larder_protocol::is_volume_name;

/// Most bytes of an address: 8 KiB, a path and as much again. Guards the size
/// of the first request.
const MOST_BYTES: usize = 8 << 10;

/// NATS's own port.
const DEFAULT_PORT: u16 = 4222;

/// Where a volume is served:
/// `nats://[user:password@]host[:port]/VOLUME[/directory]`, with `tls://` for
/// a connection that must be encrypted. A user without a password is a token.
/// `%40` and the like are decoded in user and password only.
///
/// Shown without password and token.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    tls: bool,
    login: Option<Login>,
    /// As written; an IPv6 address in brackets.
    host: String,
    port: u16,
    volume: String,
    directory: String,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Login {
    Token(String),
    User { name: String, password: String },
}

/// Why a text is no address. It never repeats the text, in which there may be
/// a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressError(&'static str);

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; an address is nats://[user:password@]host[:port]/VOLUME[/directory]", self.0)
    }
}

impl std::error::Error for AddressError {}

impl Address {
    /// The volume's name.
    #[must_use]
    pub fn volume(&self) -> &str {
        &self.volume
    }

    /// The directory of the volume that is seen as the root, without a leading
    /// slash; empty for all of it.
    #[must_use]
    pub fn directory(&self) -> &str {
        &self.directory
    }

    /// The server, without a login: `nats://host:port`.
    #[must_use]
    pub fn server(&self) -> String {
        format!("{}://{}:{}", self.scheme(), self.host, self.port)
    }

    pub(crate) const fn tls(&self) -> bool {
        self.tls
    }

    pub(crate) const fn login(&self) -> Option<&Login> {
        self.login.as_ref()
    }

    const fn scheme(&self) -> &'static str {
        if self.tls { "tls" } else { "nats" }
    }

    /// Tells this volume from those of other names and other servers.
    pub(crate) fn key(&self) -> u64 {
        let place = format!("{}:{}/{}", self.host.to_ascii_lowercase(), self.port, self.volume);
        hash(&place)
    }
}

/// FNV-1a.
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme())?;
        if let Some(Login::User { name, .. }) = &self.login {
            write!(f, "{name}@")?;
        }
        write!(f, "{}:{}/{}", self.host, self.port, self.volume)?;
        if self.directory.is_empty() { Ok(()) } else { write!(f, "/{}", self.directory) }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.len() > MOST_BYTES {
            return Err(AddressError("an address has at most 8 KiB"));
        }
        if text.chars().any(char::is_control) {
            return Err(AddressError("an address has no control characters"));
        }
        let (tls, rest) = match text.split_once("://") {
            Some(("nats", rest)) => (false, rest),
            Some(("tls", rest)) => (true, rest),
            _ => return Err(AddressError("it does not start with nats:// or tls://")),
        };
        let (authority, path) = rest.split_once('/').ok_or(AddressError("the volume's name is missing"))?;
        let (login, server) = match authority.rsplit_once('@') {
            Some((login, server)) => (Some(parse_login(login)?), server),
            None => (None, authority),
        };
        let (host, port) = parse_server(server)?;
        let (volume, directory) = path.split_once('/').unwrap_or((path, ""));
        if volume.is_empty() {
            return Err(AddressError("the volume's name is missing"));
        }
        if !is_volume_name(volume) {
            return Err(AddressError("a volume's name is 1 to 64 characters of A-Z, a-z, 0-9, _ and -"));
        }
        let directory = directory.trim_matches('/');
        if directory.split('/').any(|name| matches!(name, "." | "..")) {
            return Err(AddressError("the directory must not contain `.` or `..`"));
        }
        Ok(Self { tls, login, host, port, volume: volume.to_owned(), directory: directory.to_owned() })
    }
}

fn parse_login(text: &str) -> Result<Login, AddressError> {
    match text.split_once(':') {
        _ if text.is_empty() || text.starts_with(':') => Err(AddressError("there is an `@` but no user before it")),
        Some((name, password)) => Ok(Login::User { name: decoded(name)?, password: decoded(password)? }),
        None => Ok(Login::Token(decoded(text)?)),
    }
}

fn parse_server(text: &str) -> Result<(String, u16), AddressError> {
    let (host, port) = match text.rfind(']') {
        Some(end) if text.starts_with('[') => {
            let (host, rest) = text.split_at(end + 1);
            let inside = host.trim_start_matches('[').trim_end_matches(']');
            if inside.parse::<std::net::Ipv6Addr>().is_err() {
                return Err(AddressError("what is in brackets is no IPv6 address"));
            }
            match rest.strip_prefix(':') {
                _ if rest.is_empty() => (host, None),
                Some(port) => (host, Some(port)),
                None => return Err(AddressError("behind the IPv6 address there is no port")),
            }
        }
        _ => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let usual = |character: char| character.is_ascii_alphanumeric() || "-._".contains(character);
    if host.is_empty() {
        return Err(AddressError("the host is missing"));
    }
    if !host.starts_with('[') && !host.chars().all(usual) {
        return Err(AddressError("the host is no name and no IP address (IPv6 is written in brackets)"));
    }
    let port = match port {
        None => DEFAULT_PORT,
        Some(port) => match port.parse() {
            Ok(port) if port != 0 => port,
            _ => return Err(AddressError("the port is no number from 1 to 65535")),
        },
    };
    Ok((host.to_owned(), port))
}

/// `%40` is `@`, and so on.
fn decoded(text: &str) -> Result<String, AddressError> {
    const WRONG: AddressError = AddressError("`%` in user or password is not followed by two hexadecimal digits");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else { return Err(WRONG) };
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| WRONG)?);
    }
    String::from_utf8(bytes).map_err(|_| AddressError("user or password is no UTF-8"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn what_is_written_is_shown_without_secrets() {
        for (text, shown) in [
            ("nats://host/data", "nats://host:4222/data"),
            ("tls://host:1/data/a/b/", "tls://host:1/data/a/b"),
            ("nats://me:secret@host/data", "nats://me@host:4222/data"),
            ("nats://secret@host/data", "nats://host:4222/data"),
            ("nats://me:p%40ss%2f:@[::1]:4333/data", "nats://me@[::1]:4333/data"),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), shown, "{text}");
            assert!(!format!("{address:?}").contains("secret"));
        }
        let address: Address = "nats://m%3ae:p%40ss@host/data".parse().unwrap();
        assert!(address.login() == Some(&Login::User { name: "m:e".into(), password: "p@ss".into() }));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, said) in [
            ("host/data", "nats://"),
            ("http://host/data", "nats://"),
            ("nats://host", "volume"),
            ("nats://host/", "volume"),
            ("nats://host//d", "volume"),
            ("nats://host/a.b", "64 characters"),
            ("nats:///data", "host"),
            ("nats://ho st/data", "host"),
            ("nats://::1/data", "port"),
            ("nats://[::1/data", "host"),
            ("nats://[x]/data", "IPv6"),
            ("nats://[::1]x/data", "port"),
            ("nats://host:0/data", "port"),
            ("nats://host:66666/data", "port"),
            ("nats://@host/data", "user"),
            ("nats://a:%4@host/data", "hexadecimal"),
            ("nats://host/data/../x", ".."),
            ("nats://host/da\nta", "control"),
        ] {
            let said_of_it = text.parse::<Address>().unwrap_err().to_string();
            assert!(said_of_it.contains(said), "{text}: {said_of_it}");
        }
    }

    #[test]
    fn the_key_tells_volumes_apart() {
        let key = |text: &str| text.parse::<Address>().unwrap().key();
        assert_eq!(key("nats://host/data"), key("tls://me:secret@HOST:4222/data/directory"));
        assert_ne!(key("nats://host/data"), key("nats://host/date"));
        assert_ne!(key("nats://host/data"), key("nats://other/data"));
    }
}
