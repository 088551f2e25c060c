//! The socket's file: taking its place, and giving it back.

use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Who may connect: the owner.
const MODE: u32 = 0o600;

/// The file of a socket that this process listens on. Dropping it removes the
/// file, unless it is another one by now.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    /// Device and inode.
    file: (u64, u64),
}

impl Place {
    /// Listens on `path`. What a process left there that is gone is replaced.
    ///
    /// # Errors
    /// When the path is too long for a socket, its directory is missing or
    /// cannot be written, a living process listens there, or something else is
    /// there.
    pub(crate) fn take(path: &Path) -> Result<(Self, UnixListener)> {
        SocketAddr::from_pathname(path).context("the path is too long for a socket")?;
        check_free(path)?;
        // Made in a directory of its own, which only the owner can enter, and
        // put into its place with its permissions. That path has at most 10
        // bytes behind the directory.
        let directory = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let private = tempfile::Builder::new().prefix(".s").rand_bytes(6).tempdir_in(directory)?;
        let made = private.path().join("s");
        let listener = UnixListener::bind(&made).context("cannot make the socket")?;
        fs::set_permissions(&made, Permissions::from_mode(MODE))?;
        let metadata = fs::symlink_metadata(&made)?;
        fs::rename(&made, path)?;
        Ok((Self { path: path.to_owned(), file: (metadata.dev(), metadata.ino()) }, listener))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let is_ours = |metadata: fs::Metadata| (metadata.dev(), metadata.ino()) == self.file;
        if fs::symlink_metadata(&self.path).is_ok_and(is_ours) {
            // Nobody answers there, whether it stays or not.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// # Errors
/// When something is at `path` that is not to be replaced.
fn check_free(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
        Ok(metadata) if !metadata.file_type().is_socket() => bail!("something else than a socket is there"),
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Ok(_) => bail!("another process serves its volumes there"),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(error).context("there is a socket of which cannot be told whether it is in use"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_its_owners_and_goes_at_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.sock");
        let (place, listener) = Place::take(&path).unwrap();
        let metadata = fs::symlink_metadata(&path).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, MODE);
        UnixStream::connect(&path).unwrap();
        drop(listener);
        drop(place);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn only_what_a_dead_process_left_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.sock");
        // The file stays, and nobody listens.
        drop(UnixListener::bind(&path).unwrap());
        let (place, listener) = Place::take(&path).unwrap();

        let error = Place::take(&path).unwrap_err();
        assert!(error.to_string().contains("another process"), "{error}");
        UnixStream::connect(&path).unwrap();

        // One that lost its place does not remove the other's.
        drop(listener);
        let (other, _listener) = Place::take(&path).unwrap();
        drop(place);
        UnixStream::connect(&path).unwrap();
        drop(other);
        assert!(!path.exists());
    }

    #[test]
    fn other_files_stay() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.sock");
        fs::write(&path, "mine").unwrap();
        assert!(Place::take(&path).unwrap_err().to_string().contains("something else"));
        assert_eq!(fs::read(&path).unwrap(), b"mine");
        let missing = directory.path().join("none/s.sock");
        assert!(Place::take(&missing).is_err());
        let long = directory.path().join("x".repeat(120));
        assert!(Place::take(&long).unwrap_err().to_string().contains("too long"));
    }
}
