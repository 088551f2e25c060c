//! A component of the lock file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use thiserror::Error;

use super::file_url::{FileUrlError, file_path};

/// A component.
#[derive(Clone, Debug, Deserialize)]
pub struct Component {
    /// Its name.
    pub id: String,
    /// What it may use.
    #[serde(default)]
    pub metadata: ComponentMetadata,
    /// The WebAssembly file.
    pub source: Source,
    /// Its environment variables, with those of `spin up --env`.
    #[serde(default)]
    pub env: Values,
    /// Directories that it sees.
    #[serde(default)]
    pub files: Vec<FileMount>,
    /// Its variables by name: templates.
    #[serde(default)]
    pub config: Values,
    /// Components that its imports are composed with, by the import's name.
    /// The trigger composes; leaving it out would be another app.
    #[serde(default)]
    pub dependencies: BTreeMap<String, Dependency>,
    #[serde(default)]
    pub(super) host_requirements: BTreeMap<String, Value>,
}

/// `metadata` of a component: what it may use.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ComponentMetadata {
    /// What it is, in its author's words.
    pub description: Option<String>,
    /// Where it may connect to: templates.
    pub allowed_outbound_hosts: Vec<String>,
    /// The same in the manifest's version 1, for HTTP only.
    pub allowed_http_hosts: Vec<String>,
    /// The key-value stores that it may open.
    pub key_value_stores: Vec<String>,
    /// The SQLite databases that it may open (`sqlite_databases` in the
    /// manifest).
    pub databases: Vec<String>,
    /// The models that it may ask.
    pub ai_models: Vec<String>,
}

/// Texts by name, of which some may be secrets.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Values(pub BTreeMap<String, String>);

impl fmt::Debug for Values {
    /// The names only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A WebAssembly file.
#[derive(Clone, Debug, Deserialize)]
pub struct Source {
    /// Its media type: `application/wasm`.
    #[serde(default)]
    pub content_type: String,
    /// Where it is.
    #[serde(flatten)]
    pub content: Content,
}

/// An entry of `files`: a directory and where the component sees it.
#[derive(Clone, Debug, Deserialize)]
pub struct FileMount {
    /// The directory.
    #[serde(flatten)]
    pub content: Content,
    /// The guest path.
    pub path: String,
}

/// Where content is. Under `spin up` it is always a file of this host.
#[derive(Clone, Default, Deserialize)]
pub struct Content {
    /// Its URL.
    #[serde(default)]
    pub source: Option<String>,
    /// The content itself, in base 64.
    #[serde(default)]
    inline: Option<String>,
    /// Its digest.
    #[serde(default)]
    pub digest: Option<String>,
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("source", &self.source).field("digest", &self.digest).finish_non_exhaustive()
    }
}

/// Why content is not a file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ContentError {
    /// It is in the lock file itself, which `spin up` does not do.
    #[error("the content is in spin.lock itself, and only files are read: start the app with `spin up`")]
    Inline,
    /// Nothing says where it is.
    #[error("nothing says where the content is: start the app with `spin up`")]
    Nowhere,
    /// It is elsewhere.
    #[error("the content is not a file of this host: {0}")]
    Url(#[from] FileUrlError),
}

impl Content {
    /// The path of the file or directory.
    ///
    /// # Errors
    /// When it is not a file of this host.
    pub fn path(&self) -> Result<PathBuf, ContentError> {
        match (&self.source, &self.inline) {
            (Some(url), _) => Ok(file_path(url)?),
            (None, Some(_)) => Err(ContentError::Inline),
            (None, None) => Err(ContentError::Nowhere),
        }
    }
}

/// A component that another one's imports are composed with.
#[derive(Clone, Debug, Deserialize)]
pub struct Dependency {
    /// The WebAssembly file.
    pub source: Source,
    /// The export that satisfies the import, where it is called otherwise.
    #[serde(default)]
    pub export: Option<String>,
    /// What it may use of what the component may.
    #[serde(default, deserialize_with = "inherit")]
    pub inherit: Inherit,
}

/// What a dependency may use of what its component may.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub enum Inherit {
    /// Everything.
    All,
    /// What is named: `files`, `environment`, `allowed_outbound_hosts`, ….
    Some(Vec<String>),
}

impl Default for Inherit {
    /// Nothing.
    fn default() -> Self {
        Self::Some(Vec::new())
    }
}

/// Also a null is nothing.
fn inherit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Inherit, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
