//! A volume in use by this process, wherever it lives.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use larder_core::{Limits, Volume, VolumeOptions};
use larder_s3::S3Volume;
use larder_transfer::now;
use larder_volume_file::{FileAccess, FileStore, SaveOnSync, generation, unlimited};

use super::{LimitChanges, VolumeAddress};

/// When a volume is saved, if ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SaveMode {
    /// Never: every use is read-only. The volume must exist.
    Never,
    /// By [`AttachedVolume::save`]; the volume must exist.
    Existing,
    /// By [`AttachedVolume::save`]; a missing volume is created empty.
    AtEnd,
    /// As [`SaveMode::AtEnd`], and whenever a guest syncs. A volume in a bucket
    /// does that anyhow.
    OnSync,
}

/// What to open.
pub(crate) struct OpenRequest {
    /// Which volume.
    pub(crate) address: VolumeAddress,
    /// Whether and when it is saved.
    pub(crate) mode: SaveMode,
    /// Its limits.
    pub(crate) limits: Limits,
}

impl OpenRequest {
    /// For the file commands, which the operator runs: no limits but those that
    /// were asked for.
    pub(crate) fn by_operator(address: VolumeAddress, mode: SaveMode, limits: &LimitChanges) -> Self {
        Self { address, mode, limits: limits.apply(unlimited()) }
    }
}

/// A volume and how it is kept.
pub(crate) struct AttachedVolume {
    address: VolumeAddress,
    volume: Arc<Volume>,
    mode: SaveMode,
    keeper: Keeper,
}

enum Keeper {
    /// It is in memory, or a file that was opened for reading.
    Nobody,
    File(Arc<FileStore>),
    /// None once it is closed.
    Bucket(Mutex<Option<S3Volume>>),
}

impl AttachedVolume {
    /// Loads or creates the volume.
    ///
    /// # Errors
    /// When it is missing, in use by another process, damaged, too large for
    /// the limits, or cannot be reached.
    pub(crate) fn open(request: OpenRequest) -> Result<Self> {
        let OpenRequest { address, mode, limits } = request;
        let (volume, keeper) = match &address {
            VolumeAddress::Memory(name) => {
                let options = VolumeOptions { name: name.clone(), limits, generation: generation(), now: now() };
                (Volume::new(options), Keeper::Nobody)
            }
            VolumeAddress::File(path) => {
                let access = match mode {
                    SaveMode::Never => FileAccess::Read,
                    SaveMode::Existing => FileAccess::Write,
                    SaveMode::AtEnd | SaveMode::OnSync => FileAccess::WriteOrCreate,
                };
                let (volume, store) = larder_volume_file::open(path, access, limits)?;
                (volume, store.map_or(Keeper::Nobody, Keeper::File))
            }
            VolumeAddress::Nats(address) => bail!(
                "{address} is a remote volume, and this needs one of this process: remote ones are for the file commands (`larder ls`, `cp`, …) and for `--volume` of `larder run` and `larder serve`"
            ),
            VolumeAddress::S3(address) => {
                let options = address.options(mode == SaveMode::Never)?;
                let open =
                    S3Volume::open(options, limits).with_context(|| format!("cannot open {}", address.name()))?;
                (Arc::clone(open.volume()), Keeper::Bucket(Mutex::new(Some(open))))
            }
        };
        if mode == SaveMode::OnSync
            && let Keeper::File(store) = &keeper
        {
            volume.set_durability(Arc::new(SaveOnSync { store: Arc::clone(store), report: crate::report }))?;
        }
        Ok(Self { address, volume, mode, keeper })
    }

    /// What it is called.
    pub(crate) fn address(&self) -> &VolumeAddress {
        &self.address
    }

    /// The volume.
    pub(crate) fn volume(&self) -> &Arc<Volume> {
        &self.volume
    }

    /// Whether a change to it would be lost, or refused, although it lives
    /// somewhere: it is stored, and was opened for reading.
    pub(crate) fn discards_changes(&self) -> bool {
        self.mode == SaveMode::Never && !matches!(self.address, VolumeAddress::Memory(_))
    }

    /// Saves it at the end; does nothing for volumes in memory and for those
    /// that are only read. One in a bucket is closed, and takes no changes any
    /// more.
    ///
    /// # Errors
    /// When it cannot be written. What was stored before in a file is then
    /// untouched; what a bucket does not have is lost unless it has a journal.
    pub(crate) fn save(&self) -> Result<()> {
        match &self.keeper {
            Keeper::Nobody => Ok(()),
            Keeper::File(store) => {
                tracing::info!(file = %store.path().display(), "saving the volume");
                store.save(&self.volume)
            }
            Keeper::Bucket(open) => {
                let open = open.lock().unwrap_or_else(PoisonError::into_inner).take();
                let Some(open) = open else { return Ok(()) };
                tracing::info!(volume = %self.address, "bringing all changes to the bucket");
                open.close().with_context(|| format!("the bucket does not have all of {}", self.address))
            }
        }
    }
}

/// A volume in a bucket is closed also where nobody came to save it, as an
/// app could not be loaded: what was done to it is already acknowledged.
impl Drop for AttachedVolume {
    fn drop(&mut self) {
        if matches!(self.keeper, Keeper::Bucket(_))
            && let Err(error) = self.save()
        {
            crate::report(&error);
        }
    }
}
