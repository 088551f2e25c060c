//! The configuration file: what belongs to volumes and not into an address.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Value;

use super::keys::KEYS;
use super::{S3Address, S3AddressError};

/// The largest file that is read: 1 MiB. Guards memory.
const MOST_BYTES: u64 = 1 << 20;

/// A configuration file for volumes in buckets:
///
/// ```toml
/// [volume.NAME]
/// bucket = "data"
/// prefix = "apps"               # without it: every volume in the bucket
/// access_key_id = "…"
/// secret_access_key = "…"
/// endpoint = "https://…"        # and all that an address can say
/// ```
///
/// A section is for the addresses with its bucket and prefix, before one for
/// all of the bucket. What an address says itself, no section changes.
#[derive(Clone, Debug, Default)]
pub struct S3File {
    sections: Vec<Section>,
}

#[derive(Clone)]
struct Section {
    bucket: String,
    prefix: Option<String>,
    credentials: Option<(String, String)>,
    /// By the keys' names.
    values: Vec<(&'static str, String)>,
    /// For messages, and where relative paths begin.
    place: String,
    directory: PathBuf,
}

impl std::fmt::Debug for Section {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Section").field("place", &self.place).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    volume: BTreeMap<String, WrittenSection>,
}

#[derive(Deserialize)]
struct WrittenSection {
    bucket: String,
    prefix: Option<String>,
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    #[serde(flatten)]
    values: BTreeMap<String, Value>,
}

impl S3File {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, others can read the secrets in it, or something in
    /// it is wrong, by section and key.
    pub fn read(path: &Path) -> Result<Self, S3AddressError> {
        let name = path.display();
        let failed = |error: std::io::Error| S3AddressError::new(format!("cannot read {name}: {error}"));
        let metadata = std::fs::metadata(path).map_err(failed)?;
        if metadata.len() > MOST_BYTES {
            return Err(S3AddressError::new(format!("{name} has more than {MOST_BYTES} bytes")));
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let directory = std::path::absolute(path).map_err(failed)?.parent().unwrap_or(Path::new("")).to_owned();
        let file = Self::parse(&text, &name.to_string(), &directory)?;
        if file.sections.iter().any(|section| section.credentials.is_some()) && anybody_may_read(&metadata) {
            return Err(S3AddressError::new(format!(
                "{name} has a secret in it, and every user of this host can read it: `chmod 600 {name}`"
            )));
        }
        Ok(file)
    }

    pub(super) fn parse(text: &str, name: &str, directory: &Path) -> Result<Self, S3AddressError> {
        // Of the parser's own message only what it says: it quotes the line,
        // in which a secret may be.
        let wrong = |error: toml::de::Error| {
            let line =
                error.span().map_or(1, |span| text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1);
            S3AddressError::new(format!("{name}, line {line}: {}", error.message()))
        };
        let written: Written = toml::from_str(text).map_err(wrong)?;
        let mut taken = BTreeSet::new();
        let mut sections = Vec::new();
        for (title, written) in written.volume {
            let place = format!("{name}, [volume.{title}]");
            let section = Section::new(written, place.clone(), directory).map_err(|error| error.at(&place))?;
            if !taken.insert((section.bucket.clone(), section.prefix.clone())) {
                let prefix = section.prefix.as_deref().unwrap_or_default();
                return Err(S3AddressError::new(format!(
                    "{place}: another section is for s3://{}/{prefix} as well",
                    section.bucket
                )));
            }
            sections.push(section);
        }
        // Those with a prefix first.
        sections.sort_by_key(|section| section.prefix.is_none());
        Ok(Self { sections })
    }

    /// An address with what its section says.
    ///
    /// # Errors
    /// A value in the section is none.
    pub fn configure(&self, mut address: S3Address) -> Result<S3Address, S3AddressError> {
        let is_for = |section: &&Section| {
            section.bucket == address.bucket()
                && section.prefix.as_ref().is_none_or(|prefix| prefix == address.prefix())
        };
        let Some(section) = self.sections.iter().find(is_for) else { return Ok(address) };
        for (name, value) in &section.values {
            if let Some(key) = KEYS.iter().find(|key| key.name == *name)
                && address.given.insert(key.name)
            {
                let value = if matches!(key.name, "state" | "ca" | "journal-creds" | "journal-ca") {
                    section.directory.join(value).to_string_lossy().into_owned()
                } else {
                    value.clone()
                };
                address.set(key, &value).map_err(|error| error.at(&section.place))?;
            }
        }
        if let Some((id, secret)) = &section.credentials {
            address = address.with_credentials(id.clone(), secret.clone());
        }
        Ok(address)
    }
}

impl Section {
    fn new(written: WrittenSection, place: String, directory: &Path) -> Result<Self, S3AddressError> {
        let WrittenSection { bucket, prefix, access_key_id, secret_access_key, values } = written;
        let credentials = match (access_key_id, secret_access_key) {
            (None, None) => None,
            (Some(id), Some(secret)) => Some((id, secret)),
            _ => {
                return Err(S3AddressError::new("`access_key_id` and `secret_access_key` belong together".to_owned()));
            }
        };
        let mut pairs = Vec::new();
        for (name, value) in values {
            let key = super::keys::find(&name)?;
            let value = match value {
                Value::String(text) => text,
                Value::Integer(number) => number.to_string(),
                Value::Boolean(truth) => truth.to_string(),
                _ => return Err(S3AddressError::new(format!("`{name}` is {}", key.takes))),
            };
            // Tried here, so that a wrong value is told of before it is needed.
            let mut unused = crate::S3Options::default();
            (key.set)(&mut unused, &value).ok_or_else(|| S3AddressError::new(format!("`{name}` is {}", key.takes)))?;
            pairs.push((key.name, value));
        }
        let prefix = prefix.map(|prefix| prefix.trim_end_matches('/').to_owned());
        Ok(Self { bucket, prefix, credentials, values: pairs, place, directory: directory.to_owned() })
    }
}

#[cfg(unix)]
fn anybody_may_read(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.mode() & 0o004 != 0
}

#[cfg(not(unix))]
fn anybody_may_read(_: &std::fs::Metadata) -> bool {
    false
}
