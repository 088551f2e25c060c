//! One entry of `allowed_outbound_hosts`.

use std::net::IpAddr;

use ipnet::IpNet;
use thiserror::Error;
use url::Host;

use super::port::{PortError, Ports};

/// Most bytes of an entry: a name of DNS, and a scheme and ports around it.
/// Guards the time of a start.
pub const MOST_ENTRY_BYTES: usize = 512;

/// What stands for the app itself.
const SELF: [&str; 2] = ["self", "self.alt"];

/// Why a text is no entry. It never repeats the text: templates may put
/// secrets into it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EntryError {
    /// It is too long.
    #[error("an entry has at most {MOST_ENTRY_BYTES} bytes")]
    TooLong,
    /// There is no scheme.
    #[error(
        "an entry is SCHEME://HOST[:PORT], such as https://example.org or *://example.org:8080: the scheme is missing"
    )]
    NoScheme,
    /// The scheme is none.
    #[error("the scheme is of letters, or `*`")]
    Scheme,
    /// It has a list of schemes or hosts.
    #[error("lists are not supported: write an entry for each scheme and host")]
    List,
    /// It has a user or a password.
    #[error("an entry has no user and no password: write only the host")]
    Login,
    /// It has a path.
    #[error("an entry has no path: every path of a host is allowed with it")]
    Path,
    /// A `*` is elsewhere than instead of the host or before the first dot.
    #[error("`*` stands for the whole host, or at its start as in `*.example.org`")]
    Wildcard,
    /// The host is none.
    #[error("the host is not a name, an address, or a network such as 10.0.0.0/8")]
    Host,
    /// The port is none.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// In lower case; none for any.
    scheme: Option<String>,
    host: Hosts,
    ports: Ports,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    Any,
    /// With a dot at its start.
    Below(String),
    App,
    One(Host),
    Network(IpNet),
}

impl Hosts {
    fn parse(text: &str) -> Result<Self, EntryError> {
        let text = text.trim();
        if text == "*" {
            return Ok(Self::Any);
        }
        if SELF.contains(&text) {
            return Ok(Self::App);
        }
        if text.starts_with('{') {
            return Err(EntryError::List);
        }
        // As in Spin, bits behind the prefix are cut off, not refused.
        if let Ok(network) = text.parse::<IpNet>() {
            return Ok(Self::Network(network.trunc()));
        }
        let text = text.strip_suffix('/').unwrap_or(text);
        if text.contains('/') {
            return Err(EntryError::Path);
        }
        if text.contains('@') {
            return Err(EntryError::Login);
        }
        if let Some(domain) = text.strip_prefix("*.") {
            if domain.contains('*') {
                return Err(EntryError::Wildcard);
            }
            return match Host::parse(domain) {
                Ok(Host::Domain(domain)) => Ok(Self::Below(format!(".{domain}"))),
                _ => Err(EntryError::Host),
            };
        }
        if text.contains('*') {
            return Err(EntryError::Wildcard);
        }
        Host::parse(text).map(Self::One).map_err(|_| EntryError::Host)
    }

    fn allows(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Below(suffix), Host::Domain(domain)) => domain.ends_with(suffix.as_str()),
            (Self::One(one), host) => one == host,
            (Self::Network(network), Host::Ipv4(address)) => network.contains(&IpAddr::V4(*address)),
            (Self::Network(network), Host::Ipv6(address)) => network.contains(&IpAddr::V6(*address)),
            _ => false,
        }
    }
}

impl Entry {
    pub(super) fn parse(text: &str) -> Result<Self, EntryError> {
        if text.len() > MOST_ENTRY_BYTES {
            return Err(EntryError::TooLong);
        }
        let (scheme, rest) = text.trim().split_once("://").ok_or(EntryError::NoScheme)?;
        let scheme = scheme.to_ascii_lowercase();
        if scheme.starts_with('{') {
            return Err(EntryError::List);
        }
        if scheme != "*" && (scheme.is_empty() || !scheme.chars().all(char::is_alphabetic)) {
            return Err(EntryError::Scheme);
        }
        let (host, port) = split_port(rest)?;
        let ports = Ports::parse(port, &scheme)?;
        let host = Hosts::parse(host)?;
        Ok(Self { scheme: (scheme != "*").then_some(scheme), host, ports })
    }

    fn allows_scheme(&self, scheme: &str) -> bool {
        self.scheme.as_deref().is_none_or(|own| own == scheme)
    }

    pub(super) fn allows(&self, scheme: &str, host: &Host, port: Option<u16>) -> bool {
        self.allows_scheme(scheme) && self.host.allows(host) && self.ports.allows(port)
    }

    pub(super) fn allows_self(&self, scheme: &str) -> bool {
        self.allows_scheme(scheme) && matches!(self.host, Hosts::Any | Hosts::App)
    }

    pub(super) fn names_self(&self) -> bool {
        self.host == Hosts::App
    }

    pub(super) fn needs_chaining(&self, suffix: &str) -> bool {
        match &self.host {
            Hosts::App => true,
            Hosts::Below(domain) => domain == suffix,
            Hosts::One(Host::Domain(domain)) => domain.ends_with(suffix),
            _ => false,
        }
    }

    /// For everything below `suffix`: an entry for each component.
    pub(super) fn expanded(self, suffix: &str, components: &[&str]) -> Vec<Self> {
        match &self.host {
            Hosts::Below(domain) if domain == suffix => {
                let host = |component: &&str| Hosts::One(Host::Domain(format!("{component}{suffix}")));
                components.iter().map(|component| Self { host: host(component), ..self.clone() }).collect()
            }
            _ => vec![self],
        }
    }
}

/// Splits what is behind `://` before the colon of its port. An address of
/// IPv6 has brackets, so that its last colon is not the port's; a network of
/// IPv6 has none, and is recognised first.
fn split_port(rest: &str) -> Result<(&str, &str), EntryError> {
    let Some((host, port)) = rest.rsplit_once(':') else { return Ok((rest, "")) };
    if rest.trim().parse::<IpNet>().is_ok() || rest.trim_end_matches('/').ends_with(']') {
        return Ok((rest, ""));
    }
    match port.split_once('/') {
        Some((_, path)) if !path.is_empty() => {
            // What looks like a port may be a password's end.
            Err(if rest.contains('@') { EntryError::Login } else { EntryError::Path })
        }
        Some((port, _)) => Ok((host, port)),
        None if port.contains('@') => Err(EntryError::Login),
        None => Ok((host, port)),
    }
}
