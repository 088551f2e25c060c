//! Uploads that nobody goes on with.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

/// How the web component calls an upload under way.
const PREFIX: &str = ".upload-";

/// How long an upload may be silent before it counts as left behind.
const PATIENCE: Duration = Duration::from_secs(3600);

pub fn remove(root: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
            continue;
        }
        let silent = entry.metadata().and_then(|metadata| metadata.modified());
        let silent = silent.ok().and_then(|modified| modified.elapsed().ok()).unwrap_or_default();
        if silent > PATIENCE {
            match fs::remove_file(entry.path()) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => println!("indexer: removed {}, which was left behind", entry.file_name().display()),
            }
        }
    }
    Ok(())
}
