//! One volume as one stream of bytes: versioned, checksummed, deterministic.
//! The layout is documented in docs/snapshot-format.md.
//!
//! Writing to a file so that a crash never harms the older one is
//! larder-transfer's: this crate knows no operating system.

mod decode;
mod encode;
mod error;
mod layout;
mod reader;
mod record_reader;
mod record_writer;
#[cfg(test)]
mod tests;
mod writer;

use std::io::{Read, Write};
use std::sync::Arc;

pub use self::error::SnapshotError;
use crate::{Snapshot, Volume, VolumeOptions};

impl Snapshot {
    /// Writes the snapshot as a stream and returns its length in bytes. Equal
    /// trees give equal bytes. There are many small writes: give it a
    /// [`BufWriter`](std::io::BufWriter).
    ///
    /// # Errors
    /// [`SnapshotError::Io`] from `out`; [`SnapshotError::Limit`] where a name
    /// is too long for the format (a mebibyte). What was written until then is
    /// no whole snapshot, and no reader takes it for one.
    pub fn write_to(&self, out: &mut dyn Write) -> Result<u64, SnapshotError> {
        writer::write(self, out)
    }
}

/// Reads one snapshot stream into a new volume.
///
/// Stops behind the stream's end record, so that something else may follow.
/// The input may be hostile: memory grows only with what was read, and to no
/// more than what `options.limits` allow the volume. There are many small
/// reads: give it a [`BufReader`](std::io::BufReader).
///
/// # Errors
/// Each [`SnapshotError`]; no part of a volume is left then.
pub fn read_snapshot(input: &mut dyn Read, options: VolumeOptions) -> Result<Arc<Volume>, SnapshotError> {
    let (snapshot, length) = reader::read(input, &options.limits)?;
    snapshot.into_volume(options).map_err(|error| SnapshotError::from_thaw(error, length))
}
