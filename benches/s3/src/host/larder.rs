//! Larder in this process.

use anyhow::{Context, Result, ensure};
use larder_core::Limits;
use larder_s3::{ReadMode, S3Options, S3Volume, WriteMode};
use larder_test_s3::Access;
use tempfile::TempDir;

use super::{Host, PATIENCE};
use crate::files::{Files, InProcess};
use crate::server::{Ground, options};

/// Where a volume is, and how it is used.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) access: Access,
    pub(crate) bucket: String,
    pub(crate) write: WriteMode,
    pub(crate) memory: u64,
}

/// A volume that is open. Dropped without `close` it is a crash.
struct Open {
    files: InProcess,
    volume: S3Volume,
    _state: TempDir,
}

/// Larder in this process. Each start is one on another host: nothing is left
/// of the journal.
pub(crate) struct Larder {
    place: Place,
    open: Option<Open>,
    ground: Option<Ground>,
}

impl Larder {
    pub(crate) fn new(ground: Ground, write: WriteMode, memory: u64) -> Result<Self> {
        let place = Place { access: ground.access.clone(), bucket: ground.name.clone(), write, memory };
        Ok(Self { ground: Some(ground), ..Self::at(place) })
    }

    /// In a bucket that somebody else has made and removes.
    pub(crate) const fn at(place: Place) -> Self {
        Self { place, open: None, ground: None }
    }

    fn open(&self) -> Result<&Open> {
        self.open.as_ref().context("the volume is not open")
    }
}

impl Host for Larder {
    fn start(&mut self) -> Result<()> {
        let state = TempDir::with_prefix("larder-bench-s3-")?;
        let options = S3Options {
            bucket: options(&self.place.access, &self.place.bucket),
            read: ReadMode::Cached,
            write: self.place.write,
            memory: self.place.memory,
            state: Some(state.path().join("state")),
            ..S3Options::default()
        };
        let limits = Limits { bytes: u64::MAX, ..Limits::default() };
        let volume = S3Volume::open(options, limits).context("larder")?;
        self.open = Some(Open { files: InProcess::new(volume.volume())?, volume, _state: state });
        Ok(())
    }

    fn files(&self) -> Result<&dyn Files> {
        Ok(&self.open()?.files)
    }

    fn settle(&self, _: u64, _: u64) -> Result<()> {
        self.open()?.volume.sync().context("larder")
    }

    fn stop(&mut self) -> Result<()> {
        let Some(Open { files, volume, _state }) = self.open.take() else { return Ok(()) };
        drop(files);
        let status = volume.status();
        ensure!(status.conflicts == 0 && status.failures == 0, "larder had trouble: {status:?}");
        volume.close().context("larder")
    }

    fn wait_listed(&self) -> Result<()> {
        ensure!(self.open()?.volume.wait_restored(PATIENCE), "larder did not list the tree");
        Ok(())
    }

    fn ground(&self) -> Option<&Ground> {
        self.ground.as_ref()
    }
}
