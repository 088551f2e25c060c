//! A volume that lives in a bucket: opened, used, closed.

use std::sync::Arc;

use larder_core::{Limits, Volume};

use crate::{S3Error, S3Options, Status};

/// A volume that lives in a bucket. Dropping it without
/// [`close`](Self::close) is a crash: what was acknowledged is finished when it
/// is opened again.
pub struct S3Volume {
    volume: Arc<Volume>,
}

impl S3Volume {
    /// Opens the volume, finishing what a crash left unfinished. Returns when
    /// it can be used, which is before all of it is listed. Blocks; may be
    /// called inside of a Tokio runtime.
    ///
    /// # Errors
    /// A sentence that says what to do.
    pub fn open(options: S3Options, limits: Limits) -> Result<Self, S3Error> {
        let _ = (options, limits);
        Err(S3Error::new(larder_core::ErrorCode::Unsupported, "not yet"))
    }

    /// What guests use.
    #[must_use]
    pub const fn volume(&self) -> &Arc<Volume> {
        &self.volume
    }

    /// How it and its bucket get on.
    #[must_use]
    pub fn status(&self) -> Status {
        Status::default()
    }

    /// Returns when the bucket has all changes. Blocks, as
    /// [`Volume::sync`].
    ///
    /// # Errors
    /// What the bucket answers; what it does not have is kept and goes on
    /// being tried.
    pub fn sync(&self) -> Result<(), S3Error> {
        self.volume.sync().map_err(S3Error::from)
    }

    /// Brings all changes to the bucket, and ends. Blocks.
    ///
    /// # Errors
    /// As [`sync`](Self::sync); with [`WriteMode::Async`](crate::WriteMode) the
    /// journal keeps what the bucket does not have.
    pub fn close(self) -> Result<(), S3Error> {
        self.sync()
    }
}
