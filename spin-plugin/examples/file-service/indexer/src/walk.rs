//! All files and directories below a root.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Most entries that are looked at. Guards the time of a run.
const MOST_ENTRIES: usize = 100_000;

/// How deep the walk goes. Guards the stack; the web component makes no deeper
/// directories.
const MOST_DEPTH: usize = 32;

/// What the walk found.
pub struct Found {
    /// Relative to the root.
    pub path: String,
    pub is_directory: bool,
    pub bytes: u64,
    /// Milliseconds since 1970.
    pub modified: u64,
}

/// Calls `found` for each, without names that begin with a dot. What is
/// removed meanwhile is left out; links are not followed.
pub fn files(root: &Path, mut found: impl FnMut(Found)) -> std::io::Result<()> {
    let mut left = MOST_ENTRIES;
    directory(root, "", 0, &mut left, &mut found)
}

fn directory(
    path: &Path,
    prefix: &str,
    depth: usize,
    left: &mut usize,
    found: &mut impl FnMut(Found),
) -> std::io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
        let metadata = match entry.metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            metadata => metadata?,
        };
        if *left == 0 {
            return Ok(());
        }
        *left -= 1;
        let path = format!("{prefix}{name}");
        let below = format!("{path}/");
        let bytes = if metadata.is_file() { metadata.len() } else { 0 };
        let modified = metadata.modified().map_or(0, milliseconds);
        found(Found { path, is_directory: metadata.is_dir(), bytes, modified });
        if metadata.is_dir() && depth < MOST_DEPTH {
            match directory(&entry.path(), &below, depth + 1, left, found) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                done => done?,
            }
        }
    }
    Ok(())
}

fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
