//! What a volume in a bucket is called.

mod error;
mod file;
mod keys;
mod state;
mod text;

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

pub use error::S3AddressError;
pub use file::S3File;

use serde::de::{Deserialize, Deserializer, Error as _};

use crate::layout::KeySpace;
use crate::{S3Options, WriteMode};
use keys::{KEYS, Key};
use text::{decoded, encoded_prefix, encoded_value};

/// Most bytes of an address: 8 KiB. Guards messages and logs, in which it is.
const MOST_BYTES: usize = 8 << 10;

/// How an address begins.
const SCHEME: &str = "s3://";

/// Most characters of a bucket's name: what the oldest buckets of Amazon may
/// have.
const LONGEST_BUCKET: usize = 255;

/// A volume in a bucket: `s3://BUCKET[/PREFIX][?KEY=VALUE&…]`. The keys are
/// [`S3Address::help`]'s. In the prefix and in values, `%3F` and the like stand
/// for characters that the address has a use for.
///
/// Credentials are never in it: they come from the AWS environment, or from a
/// configuration file ([`S3File`]).
#[derive(Clone, Debug)]
pub struct S3Address {
    options: S3Options,
    /// The keys that it has, also those with the default's value: a
    /// configuration file does not change them.
    given: BTreeSet<&'static str>,
}

impl S3Address {
    /// Whether a text is meant as one.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(SCHEME)
    }

    /// The bucket's name.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.options.bucket.bucket
    }

    /// What the volume's keys begin with, without a slash at the end; empty for
    /// the whole bucket.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.options.prefix
    }

    /// The same volume without what is configured: `s3://BUCKET/PREFIX`.
    #[must_use]
    pub fn name(&self) -> String {
        let mut name = format!("{SCHEME}{}", self.bucket());
        if !self.prefix().is_empty() {
            name.push('/');
            name.push_str(&encoded_prefix(self.prefix()));
        }
        name
    }

    /// The same for addresses of the same volume, however they are written:
    /// its server, bucket and prefix.
    #[must_use]
    pub fn identity(&self) -> String {
        state::identity(&self.options, &|name| std::env::var_os(name))
    }

    /// How to open it. Where nothing else is said, the state is below
    /// `$XDG_STATE_HOME/larder/s3` or `~/.local/state/larder/s3`, in a
    /// directory of this volume's. What only reads has no state.
    ///
    /// # Errors
    /// With [`WriteMode::Async`] and no place for the journal.
    pub fn options(&self, read_only: bool) -> Result<S3Options, S3AddressError> {
        let mut options = self.options.clone();
        options.read_only = read_only;
        // What tells volumes apart does not change with who names the server.
        options.bucket.endpoint = state::endpoint(&self.options, &|name| std::env::var_os(name));
        options.state = if read_only { None } else { self.state_directory() };
        if options.journal_server.as_ref().is_some_and(|server| server.url.is_empty()) {
            return Err(S3AddressError::new(format!(
                "{}: `journal-creds`, `journal-ca` and `journal-replicas` need `journal-server`",
                self.name()
            )));
        }
        let has_journal = options.state.is_some() || options.journal_server.is_some();
        if !read_only && !has_journal && options.write == WriteMode::Async {
            return Err(S3AddressError::new(format!(
                "{}: `write=async` keeps a journal on this host, and neither XDG_STATE_HOME nor HOME says where: \
                 add `state=DIRECTORY` or `journal-server=nats://HOST` to the address",
                self.name()
            )));
        }
        Ok(options)
    }

    /// Where a process that may change the volume has its journal and status;
    /// none where nothing says so.
    #[must_use]
    pub fn state_directory(&self) -> Option<PathBuf> {
        let default = || state::directory(&self.options, &|name| std::env::var_os(name));
        self.options.state.clone().or_else(default)
    }

    /// With its relative paths below `directory`, not below the process's
    /// own.
    #[must_use]
    pub fn below(mut self, directory: &std::path::Path) -> Self {
        for path in self.paths() {
            *path = directory.join(&*path);
        }
        self
    }

    /// Its paths, which may be relative.
    fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let S3Options { state, bucket, journal_server, .. } = &mut self.options;
        let journal = journal_server.iter_mut().flat_map(|server| [&mut server.credentials, &mut server.ca]);
        [state, &mut bucket.ca_bundle].into_iter().chain(journal).flatten()
    }

    /// Whether a path in it begins at the process's directory.
    #[must_use]
    pub fn has_relative_paths(&self) -> bool {
        self.clone().paths().any(|path| path.is_relative())
    }

    /// With this access key and its secret.
    #[must_use]
    pub fn with_credentials(mut self, id: String, secret: String) -> Self {
        self.options.bucket.credentials = Some((id, secret));
        self
    }

    /// The keys that an address can have, a line each, for a help text.
    #[must_use]
    pub fn help() -> String {
        let width = KEYS.iter().map(|key| key.name.len()).max().unwrap_or_default();
        let indent = format!("\n  {:width$}  ", "");
        let lines = KEYS.iter().map(|key| format!("  {:width$}  {}", key.name, key.help.replace('\n', &indent)));
        lines.collect::<Vec<_>>().join("\n")
    }

    fn set(&mut self, key: &'static Key, value: &str) -> Result<(), S3AddressError> {
        (key.set)(&mut self.options, value).ok_or_else(|| {
            let Key { name, takes, .. } = key;
            S3AddressError::new(format!("`{name}` is {takes}"))
        })
    }

    fn has_query(&mut self, query: &str) -> Result<(), S3AddressError> {
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let key = keys::find(name)?;
            if value.is_empty() {
                return Err(S3AddressError::new(format!("`{}` has no value; it is {}", key.name, key.takes)));
            }
            if !self.given.insert(key.name) {
                return Err(S3AddressError::new(format!("`{}` is there twice", key.name)));
            }
            let value = decoded(value).ok_or_else(|| {
                S3AddressError::new(format!("`%` in `{}` is not followed by two digits of UTF-8", key.name))
            })?;
            self.set(key, &value)?;
        }
        Ok(())
    }
}

impl FromStr for S3Address {
    type Err = S3AddressError;

    fn from_str(text: &str) -> Result<Self, S3AddressError> {
        let wrong =
            |what: &str| S3AddressError::new(format!("{what}; an address is s3://BUCKET[/PREFIX][?KEY=VALUE&…]"));
        if text.len() > MOST_BYTES {
            return Err(wrong("an address has at most 8 KiB"));
        }
        if text.chars().any(char::is_control) {
            return Err(wrong("an address has no control characters"));
        }
        let rest = text.strip_prefix(SCHEME).ok_or_else(|| wrong("it does not begin with s3://"))?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        if bucket.is_empty() {
            return Err(wrong("the bucket's name is missing"));
        }
        if bucket.contains('@') {
            return Err(error::credentials("an access key"));
        }
        let usual = |character: char| character.is_ascii_alphanumeric() || "-._".contains(character);
        if bucket.len() > LONGEST_BUCKET || !bucket.chars().all(usual) {
            return Err(wrong("a bucket's name is of A-Z, a-z, 0-9, `-`, `.` and `_`"));
        }
        if prefix.contains('#') {
            return Err(wrong("a `#` in the prefix is written `%23`"));
        }
        let prefix =
            decoded(prefix).ok_or_else(|| wrong("`%` in the prefix is not followed by two digits of UTF-8"))?;
        KeySpace::new(&prefix).map_err(|error| S3AddressError::new(format!("the prefix: {error}")))?;
        let mut options = S3Options { prefix: prefix.trim_end_matches('/').to_owned(), ..S3Options::default() };
        bucket.clone_into(&mut options.bucket.bucket);
        let mut address = Self { options, given: BTreeSet::new() };
        address.has_query(query)?;
        Ok(address)
    }
}

impl fmt::Display for S3Address {
    /// The form that is the same for all that say the same, without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())?;
        let default = S3Options::default();
        let mut mark = '?';
        for key in KEYS {
            if let Some(value) = (key.show)(&self.options)
                && Some(&value) != (key.show)(&default).as_ref()
            {
                write!(f, "{mark}{}={}", key.name, encoded_value(key.name, &value))?;
                mark = '&';
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for S3Address {
    /// From a text.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl PartialEq for S3Address {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string() && self.options.bucket.credentials == other.options.bucket.credentials
    }
}

impl Eq for S3Address {}

#[cfg(test)]
mod tests;
