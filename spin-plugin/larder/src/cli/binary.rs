//! Reading and writing WebAssembly binaries on the host.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// The largest binary that is read, in bytes: memories, and with them what a
/// component carries, end at 4 GiB. A mistaken path (a device) does not.
const MOST_BYTES: u64 = 5 << 30;

/// Reads a component or core module.
///
/// # Errors
/// When it cannot be read or is not WebAssembly.
pub(super) fn read_binary(path: &Path) -> Result<Vec<u8>> {
    let name = path.display();
    let size = std::fs::metadata(path).with_context(|| format!("cannot read {name}: check the path"))?.len();
    if size > MOST_BYTES {
        bail!("{name} has {size} bytes, more than the {MOST_BYTES} that larder reads");
    }
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {name}"))?;
    if !bytes.starts_with(b"\0asm") {
        bail!("{name} is not a WebAssembly binary: give a component or a core module (.wasm)");
    }
    Ok(bytes)
}

/// Writes a binary beside its place and renames it, so that the file is whole
/// or as it was.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write_binary(path: &Path, bytes: &[u8]) -> Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = || format!("cannot write {}", path.display());
    let mut file = tempfile::Builder::new().prefix(".larder-").tempfile_in(directory).with_context(failed)?;
    file.write_all(bytes).with_context(failed)?;
    readable(&file).with_context(failed)?;
    file.persist(path).with_context(failed)?;
    Ok(())
}

/// Temporary files are for their owner alone; a binary is for whoever may read
/// new files of this user.
#[cfg(unix)]
fn readable(file: &tempfile::NamedTempFile) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &tempfile::NamedTempFile) -> std::io::Result<()> {
    Ok(())
}
