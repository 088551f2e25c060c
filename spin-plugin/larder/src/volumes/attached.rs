//! A volume in use by this process, wherever it lives.

use std::sync::Arc;

use anyhow::{Result, bail};
use larder_core::{Limits, Volume, VolumeOptions};
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
    /// As [`SaveMode::AtEnd`], and whenever a guest syncs.
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
    /// Absent for volumes in memory and for read-only use.
    store: Option<Arc<FileStore>>,
}

impl AttachedVolume {
    /// Loads or creates the volume.
    ///
    /// # Errors
    /// When it is missing, in use by another process, damaged, or too large for
    /// the limits.
    pub(crate) fn open(request: OpenRequest) -> Result<Self> {
        let OpenRequest { address, mode, limits } = request;
        let (volume, store) = match &address {
            VolumeAddress::Memory(name) => {
                let options = VolumeOptions { name: name.clone(), limits, generation: generation(), now: now() };
                (Volume::new(options), None)
            }
            VolumeAddress::File(path) => {
                let access = match mode {
                    SaveMode::Never => FileAccess::Read,
                    SaveMode::Existing => FileAccess::Write,
                    SaveMode::AtEnd | SaveMode::OnSync => FileAccess::WriteOrCreate,
                };
                larder_volume_file::open(path, access, limits)?
            }
            VolumeAddress::Nats(address) => bail!(
                "{address} is a remote volume, and this needs one of this process: remote ones are for the file commands (`larder ls`, `cp`, …) and for `--volume` of `larder run` and `larder serve`"
            ),
        };
        if mode == SaveMode::OnSync
            && let Some(store) = &store
        {
            volume.set_durability(Arc::new(SaveOnSync { store: Arc::clone(store), report: crate::report }))?;
        }
        Ok(Self { address, volume, store })
    }

    /// What it is called.
    pub(crate) fn address(&self) -> &VolumeAddress {
        &self.address
    }

    /// The volume.
    pub(crate) fn volume(&self) -> &Arc<Volume> {
        &self.volume
    }

    /// Whether a change to it would be lost although it lives somewhere: it is
    /// stored, and was opened for reading.
    pub(crate) fn discards_changes(&self) -> bool {
        self.store.is_none() && !matches!(self.address, VolumeAddress::Memory(_))
    }

    /// Saves it; does nothing for volumes in memory and for read-only ones.
    ///
    /// # Errors
    /// When it cannot be written; what was stored before is then untouched.
    pub(crate) fn save(&self) -> Result<()> {
        match &self.store {
            Some(store) => {
                tracing::info!(file = %store.path().display(), "saving the volume");
                store.save(&self.volume)
            }
            None => Ok(()),
        }
    }
}
