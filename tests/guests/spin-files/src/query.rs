//! The query of a request: `name=value` pairs with `%xx` for bytes.

use std::io::{Error, ErrorKind};
use std::path::PathBuf;

pub struct Query(String);

impl Query {
    pub fn new(query: &str) -> Self {
        Self(query.to_owned())
    }

    pub fn text(&self, name: &str) -> std::io::Result<String> {
        let value = self.0.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let value = value.ok_or_else(|| Error::new(ErrorKind::InvalidInput, format!("`{name}=` is missing")))?;
        decode(value).ok_or_else(|| Error::new(ErrorKind::InvalidInput, format!("`{name}` is not readable")))
    }

    pub fn path(&self) -> std::io::Result<PathBuf> {
        self.text("path").map(PathBuf::from)
    }

    pub fn number(&self, name: &str) -> std::io::Result<u64> {
        self.text(name)?.parse().map_err(|error| Error::new(ErrorKind::InvalidInput, format!("`{name}`: {error}")))
    }
}

fn decode(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        bytes.push((digit()? * 16 + digit()?) as u8);
    }
    String::from_utf8(bytes).ok()
}
