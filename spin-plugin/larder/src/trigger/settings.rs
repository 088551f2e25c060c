//! The runtime configuration file: what the host's operator says, by the names
//! that Spin has for it. What Larder does not serve is an error, not a silence.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::input::read_text;

/// The largest file that is read, in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// Spin's tables that this trigger has no use for, and what to do instead.
const NOT_SERVED: &[(&str, &str)] = &[
    ("variables_provider", "set SPIN_VARIABLE_NAME, or give `--variable NAME=VALUE`"),
    ("variable_provider", "set SPIN_VARIABLE_NAME, or give `--variable NAME=VALUE`"),
    ("config_provider", "set SPIN_VARIABLE_NAME, or give `--variable NAME=VALUE`"),
    ("key_value_store", "stores are on Larder volumes: leave it out"),
    ("sqlite_database", "Larder's trigger has no SQLite interface: put the database into a volume"),
    ("llm_compute", "Larder's trigger asks no models"),
    ("client_tls", "leave it out"),
    ("outbound_http", "leave it out"),
    ("max_instance_memory", "give `--max-instance-memory`"),
];

/// What the file says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Where state is kept.
    pub(super) state_dir: Option<PathBuf>,
    /// Where output is logged.
    pub(super) log_dir: Option<PathBuf>,
}

impl Settings {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, or has something that this trigger does not
    /// serve.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let name = path.display();
        let what = || format!("the runtime configuration {name}");
        let text = read_text(path, MOST_BYTES).with_context(what)?;
        let table: toml::Table = text.parse().with_context(what)?;
        if let Some((key, help)) = NOT_SERVED.iter().find(|(key, _)| table.contains_key(*key)) {
            bail!("the runtime configuration {name} has `{key}`, which Larder's trigger does not serve: {help}");
        }
        toml::from_str(&text).with_context(what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Settings::read(file.path()).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn what_is_not_served_is_named() {
        assert_eq!(read("state_dir = 's'").unwrap().state_dir.as_deref(), Some(Path::new("s")));
        let error = read("[sqlite_database.default]\ntype = 'spin'").unwrap_err();
        assert!(error.contains("`sqlite_database`") && error.contains("volume"), "{error}");
        assert!(read("stat_dir = 's'").unwrap_err().contains("unknown field `stat_dir`"));
    }
}
