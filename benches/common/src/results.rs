//! Where results go.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

/// The files that a run was told to write besides standard output.
#[derive(Clone, Copy, Debug, Default)]
pub struct Results<'a> {
    /// All samples.
    pub json: Option<&'a Path>,
    /// The tables.
    pub markdown: Option<&'a Path>,
}

impl Results<'_> {
    /// Writes the tables, to standard output as well, and all of the report.
    ///
    /// # Errors
    /// When one of them cannot be written.
    pub fn write(&self, tables: &str, report: &impl Serialize) -> Result<()> {
        write!(std::io::stdout(), "{tables}")?;
        if let Some(path) = self.json {
            write_file(path, &(serde_json::to_string_pretty(report)? + "\n"))?;
        }
        self.markdown.map_or(Ok(()), |path| write_file(path, tables))
    }
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
