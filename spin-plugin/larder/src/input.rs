//! Files of the host that are read whole, and thus not larger than they can be
//! meant to be.

use std::path::Path;

use anyhow::{Context, Result, bail};

/// The content of a file of at most `most` bytes.
///
/// # Errors
/// When it cannot be read, or is larger: then it is another file than was
/// meant.
pub(crate) fn read_bounded(path: &Path, most: u64) -> Result<Vec<u8>> {
    let name = path.display();
    let size = std::fs::metadata(path).with_context(|| format!("cannot read {name}: check the path"))?.len();
    if size > most {
        bail!("{name} has {size} bytes, and at most {most} are read");
    }
    std::fs::read(path).with_context(|| format!("cannot read {name}"))
}

/// The same for text.
///
/// # Errors
/// As [`read_bounded`], and when it is not UTF-8.
pub(crate) fn read_text(path: &Path, most: u64) -> Result<String> {
    String::from_utf8(read_bounded(path, most)?).with_context(|| format!("{} is not UTF-8", path.display()))
}
