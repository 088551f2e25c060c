//! Volumes in files, as snapshots. The format is docs/snapshot-format.md.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use larder_core::{Snapshot, SnapshotError, Volume, VolumeOptions, read_snapshot};

use crate::{TransferError, beside};

/// Between disk and reader, in bytes.
const BUFFER_BYTES: usize = 256 << 10;

/// Saves the volume as it is now; returns the bytes written.
///
/// A crash at any moment leaves the older file or the newer one, whole, and
/// once this returns the newer one survives a power failure. Keeps the older
/// file's permission bits; follows a symbolic link to the file. The volume can
/// be used meanwhile.
///
/// # Errors
/// [`TransferError::Volume`] where the volume cannot be frozen,
/// [`TransferError::Host`] and [`TransferError::Snapshot`] with the path; the
/// older file is unharmed then.
pub fn save(volume: &Arc<Volume>, path: &Path) -> Result<u64, TransferError> {
    let snapshot = volume.freeze().map_err(|error| TransferError::volume("/", error))?;
    save_snapshot(&snapshot, path)
}

/// Saves a snapshot that was taken before, as [`save`] does.
///
/// # Errors
/// As [`save`].
pub fn save_snapshot(snapshot: &Snapshot, path: &Path) -> Result<u64, TransferError> {
    beside::replace(path, |out| snapshot.write_to(out).map_err(|error| snapshot_error(path, error)))
}

/// Loads a volume from a file that [`save`] wrote. `options` give the limits
/// that the volume must fit in.
///
/// # Errors
/// [`TransferError::Host`] where the file cannot be opened,
/// [`TransferError::Snapshot`] where it is not a sound snapshot that fits.
pub fn load(path: &Path, options: VolumeOptions) -> Result<Arc<Volume>, TransferError> {
    let file = File::open(path).map_err(|error| TransferError::host("open", path, error))?;
    let mut input = Counted { input: BufReader::with_capacity(BUFFER_BYTES, file), read: 0 };
    let volume = read_snapshot(&mut input, options).map_err(|error| snapshot_error(path, error))?;
    let offset = input.read;
    match io::copy(&mut input.take(1), &mut io::sink()) {
        Ok(0) => Ok(volume),
        Ok(_) => {
            let what = "something follows the end of the snapshot".into();
            Err(snapshot_error(path, SnapshotError::Corrupt { offset, what }))
        }
        Err(error) => Err(snapshot_error(path, error.into())),
    }
}

/// An error of the stream; one of the file itself says so.
fn snapshot_error(path: &Path, error: SnapshotError) -> TransferError {
    match error {
        SnapshotError::Io(error) => TransferError::host("read or write", path, error),
        error => TransferError::Snapshot { path: path.to_owned(), error },
    }
}

/// Counts what is read.
struct Counted<R> {
    input: R,
    read: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.read += read as u64;
        Ok(read)
    }
}
