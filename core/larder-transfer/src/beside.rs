//! Replaces a file so that a crash at any moment leaves the older or the newer
//! one, whole: written beside it, made durable, renamed over it.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::TransferError;

/// Between file and disk, in bytes.
const BUFFER_BYTES: usize = 256 << 10;

/// Symbolic links that are followed to the file (Linux's own bound).
const MOST_SYMLINKS: usize = 40;

/// Writes the file at `path` with what `write` gives.
///
/// Follows symbolic links to the file; keeps the permission bits and, where it
/// may, the owner of the older file. Other hard links of the older file go on
/// naming the older file.
pub(crate) fn replace<T>(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<T, TransferError>,
) -> Result<T, TransferError> {
    let fail = |action, error| TransferError::host(action, path, error);
    let target = follow(path).map_err(|error| fail("find", error))?;
    let older = match fs::symlink_metadata(&target) {
        Ok(older) if older.is_file() => Some(older),
        Ok(_) => return Err(fail("replace", io::Error::other("it is not a regular file; choose another path"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(fail("look at", error)),
    };
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let name = target.file_name().ok_or_else(|| fail("write", io::Error::other("it names no file")))?;

    remove_leftovers(directory, name);
    let beside = create(directory, name, older.as_ref()).map_err(|error| fail("create a file beside", error))?;
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, beside.as_file());
    let written = write(&mut out)?;
    out.flush().map_err(|error| fail("write", error))?;
    drop(out);
    if let Some(older) = &older {
        keep_access(beside.as_file(), older).map_err(|error| fail("set the permissions of", error))?;
    }
    beside.as_file().sync_all().map_err(|error| fail("make durable", error))?;
    beside.persist(&target).map_err(|error| fail("rename over", error.error))?;
    sync_directory(directory).map_err(|error| fail("make durable the renaming of", error))?;
    Ok(written)
}

/// The path behind symbolic links, which need not lead to a file yet.
fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_SYMLINKS {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().map_or_else(|| target.clone(), |parent| parent.join(&target)),
            // Not a link, or not there: both are where to write.
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

/// Temporary names: `.NAME.larder-XXXXXX`.
fn prefix(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".larder-");
    prefix
}

/// Creates the new file, locked for as long as it is being written.
fn create(directory: &Path, name: &OsStr, older: Option<&Metadata>) -> io::Result<NamedTempFile> {
    loop {
        let prefix = prefix(name);
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix);
        #[cfg(not(unix))]
        let _ = older;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // A new file is as the umask wants it. One that replaces another
            // is for nobody else until it has the other's permissions.
            let mode = if older.is_some() { 0o600 } else { 0o666 };
            builder.permissions(fs::Permissions::from_mode(mode));
        }
        let file = builder.tempfile_in(directory)?;
        // Some network filesystems have no locks; then nothing is removed.
        let _ = file.as_file().lock();
        // Another writer may have taken it for a leftover before it was locked.
        if file.path().exists() {
            return Ok(file);
        }
    }
}

/// Removes what killed writers left: their locks died with them. Best effort;
/// a leftover harms nothing but the space it takes.
fn remove_leftovers(directory: &Path, name: &OsStr) {
    let prefix = prefix(name);
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        if !entry.file_name().as_encoded_bytes().starts_with(prefix.as_encoded_bytes()) {
            continue;
        }
        if !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        if let Ok(file) = File::open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Gives the new file the older one's owner, where that is allowed, and its
/// permission bits.
fn keep_access(file: &File, older: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
        let new = file.metadata()?;
        let mut mode = older.mode() & 0o777;
        if (new.uid(), new.gid()) != (older.uid(), older.gid()) {
            // Only root may give files away; anybody may give one to a group
            // that they are in. Another group gets no more than everybody has.
            let given =
                fchown(file, Some(older.uid()), Some(older.gid())).or_else(|_| fchown(file, None, Some(older.gid())));
            if given.is_err() && new.gid() != older.gid() {
                mode &= 0o707 | (mode & 0o007) << 3;
            }
        }
        file.set_permissions(fs::Permissions::from_mode(mode))
    }
    #[cfg(not(unix))]
    file.set_permissions(older.permissions())
}

/// Makes a rename durable. Other systems than Unix have no such call.
fn sync_directory(directory: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(directory)?.sync_all()?;
    let _ = directory;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing test may panic")]
    use super::*;

    fn names(directory: &Path) -> Vec<OsString> {
        let mut names: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    fn put(path: &Path, bytes: &[u8]) -> Result<(), TransferError> {
        replace(path, |out| out.write_all(bytes).map_err(|error| TransferError::host("write", path, error)))
    }

    #[test]
    fn a_failing_writer_leaves_the_older_file_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("volume");
        put(&path, b"older").unwrap();
        let failed = replace(&path, |out| {
            out.write_all(&[7; 1 << 20]).unwrap();
            Err::<(), _>(TransferError::host("write", &path, io::Error::other("disk full")))
        });
        assert!(failed.unwrap_err().to_string().contains("disk full"));
        assert_eq!(fs::read(&path).unwrap(), b"older");
        assert_eq!(names(directory.path()), ["volume"]);
    }

    #[test]
    fn leftovers_of_dead_writers_go_and_those_of_live_ones_stay() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("volume");
        let dead = directory.path().join(".volume.larder-dead00");
        fs::write(&dead, b"half").unwrap();
        let live = directory.path().join(".volume.larder-live00");
        let writing = File::create(&live).unwrap();
        writing.lock().unwrap();
        put(&path, b"newer").unwrap();
        assert_eq!(names(directory.path()), [".volume.larder-live00", "volume"]);
    }

    #[cfg(unix)]
    #[test]
    fn the_older_files_permissions_and_symlink_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("volume");
        let link = directory.path().join("link");
        symlink("volume", &link).unwrap();
        put(&link, b"first").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first", "through a link that led nowhere yet");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        put(&link, b"second").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_is_as_the_umask_wants_it() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("volume");
        put(&path, b"").unwrap();
        let plain = directory.path().join("plain");
        fs::write(&plain, b"").unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&plain));
    }

    #[test]
    fn what_is_no_file_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let error = put(directory.path(), b"").unwrap_err().to_string();
        assert!(
            error.contains("not a regular file") && error.contains(&*directory.path().to_string_lossy()),
            "{error}"
        );
        let missing = directory.path().join("no/such/file");
        assert!(put(&missing, b"").unwrap_err().to_string().contains("no/such/file"));
    }
}
