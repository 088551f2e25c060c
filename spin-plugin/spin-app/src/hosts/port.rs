//! The port of an entry.

use std::ops::Range;

use thiserror::Error;

/// Why a text is no port. It never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PortError {
    /// It is no number.
    #[error("the port is a number up to 65535, a range such as 8000..9000 (without its end), or `*`")]
    NotNumber,
    /// It is a list.
    #[error("lists of ports are not supported: write an entry for each port")]
    List,
    /// Its range has no port.
    #[error("the range of ports is empty: its end is not in it")]
    EmptyRange,
    /// It is missing, and the scheme has no usual one.
    #[error("the scheme has no usual port: write one behind the host, or `:*` for any")]
    Missing,
}

/// Which ports an entry allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ports {
    Any,
    One(u16),
    Range(Range<u16>),
}

/// The port of a scheme where none is written: those that Spin knows.
pub(super) fn usual(scheme: &str) -> Option<u16> {
    Some(match scheme {
        "http" => 80,
        "https" => 443,
        "mqtt" => 1883,
        "mysql" => 3306,
        "postgres" => 5432,
        "redis" => 6379,
        _ => return None,
    })
}

impl Ports {
    pub(super) fn parse(text: &str, scheme: &str) -> Result<Self, PortError> {
        if text.is_empty() {
            return usual(scheme).map(Self::One).ok_or(PortError::Missing);
        }
        if text == "*" {
            return Ok(Self::Any);
        }
        if text.starts_with('{') {
            return Err(PortError::List);
        }
        let number = |text: &str| text.parse().map_err(|_| PortError::NotNumber);
        let Some((start, end)) = text.split_once("..") else { return Ok(Self::One(number(text)?)) };
        let range = number(start)?..number(end)?;
        if range.is_empty() { Err(PortError::EmptyRange) } else { Ok(Self::Range(range)) }
    }

    pub(super) fn allows(&self, port: Option<u16>) -> bool {
        match self {
            Self::Any => true,
            Self::One(one) => port == Some(*one),
            Self::Range(range) => port.is_some_and(|port| range.contains(&port)),
        }
    }
}
