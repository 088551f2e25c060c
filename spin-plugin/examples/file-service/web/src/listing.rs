//! The entries of a directory.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::answer::{self, Answer};
use crate::failure::Failure;
use crate::media;
use crate::place::Place;

/// Most entries that are told of a directory. Guards the memory of this
/// component and of the page.
const MOST_ENTRIES: usize = 2_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    pub name: String,
    pub kind: Kind,
    /// The content type.
    #[serde(rename = "type")]
    pub media: &'static str,
    /// The size.
    pub bytes: u64,
    /// Milliseconds since 1970.
    pub modified: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    File,
    Directory,
}

#[derive(Debug, Serialize)]
pub struct Listing {
    pub entries: Vec<Entry>,
    /// Whether the directory has more of them.
    pub more: bool,
}

pub fn get(place: &Place) -> Result<Answer, Failure> {
    let listing = read(&place.path())?;
    let json = serde_json::to_vec(&listing).map_err(|error| Failure::new(500, error.to_string()))?;
    Ok(answer::content(200, "application/json", json))
}

/// Reads a directory, without the names that are the service's own and those
/// that are no UTF-8.
pub fn read(directory: &Path) -> std::io::Result<Listing> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with('.') {
            continue;
        }
        if entries.len() == MOST_ENTRIES {
            return Ok(Listing { entries, more: true });
        }
        // One that another component has just removed is left out.
        let Ok(metadata) = fs::metadata(entry.path()) else { continue };
        entries.push(Entry {
            kind: if metadata.is_dir() { Kind::Directory } else { Kind::File },
            media: if metadata.is_dir() { "" } else { media::of(&name) },
            bytes: if metadata.is_dir() { 0 } else { metadata.len() },
            modified: milliseconds(metadata.modified()?),
            name,
        });
    }
    Ok(Listing { entries, more: false })
}

fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
