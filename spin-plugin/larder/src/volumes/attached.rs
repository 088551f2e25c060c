//! A volume in use by this process, wherever it lives.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use larder_core::{Limits, Rights, View, Volume, VolumeOptions};
use larder_s3::S3Volume;
use larder_transfer::now;
use larder_volume_file::{Autosave, FileAccess, FileStore, SaveOnSync, generation, unlimited};

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
    /// As [`SaveMode::AtEnd`], and every [`AUTOSAVE`] in which it changed.
    Often,
    /// As [`SaveMode::AtEnd`], and whenever a guest syncs. A volume in a bucket
    /// does that anyhow.
    OnSync,
    /// Both.
    OftenAndOnSync,
}

/// How often a volume that is saved by itself is saved, unless a save takes
/// long: what a process may lose that is killed.
pub(crate) const AUTOSAVE: Duration = Duration::from_secs(5);

impl SaveMode {
    const fn on_sync(self) -> bool {
        matches!(self, Self::OnSync | Self::OftenAndOnSync)
    }

    const fn often(self) -> bool {
        matches!(self, Self::Often | Self::OftenAndOnSync)
    }
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
    /// Ends with the volume's use.
    _autosave: Option<Autosave>,
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
                    SaveMode::AtEnd | SaveMode::Often | SaveMode::OnSync | SaveMode::OftenAndOnSync => {
                        FileAccess::WriteOrCreate
                    }
                };
                let (volume, store) = larder_volume_file::open(path, access, limits)?;
                (volume, store.map_or(Keeper::Nobody, Keeper::File))
            }
            VolumeAddress::Nats(address) => bail!(
                "{address} is a remote volume, and this needs one of this process: remote ones are for the file commands (`larder ls`, `cp`, …) and for `--volume` of `larder run` and `larder serve`"
            ),
            VolumeAddress::Spin(_) => bail!(
                "{address} is a volume of a Spin app, and this needs one of this process: those of Spin apps are for the file commands (`larder ls`, `cp`, …)"
            ),
            VolumeAddress::S3(address) => {
                let options = address.options(mode == SaveMode::Never)?;
                let open =
                    S3Volume::open(options, limits).with_context(|| format!("cannot open {}", address.name()))?;
                (Arc::clone(open.volume()), Keeper::Bucket(Mutex::new(Some(open))))
            }
        };
        let mut autosave = None;
        if let Keeper::File(store) = &keeper {
            if mode.on_sync() {
                volume.set_durability(Arc::new(SaveOnSync { store: Arc::clone(store), report: crate::report }))?;
            }
            if mode.often() {
                autosave = Some(Autosave::start(&volume, store, AUTOSAVE, crate::report)?);
            }
        }
        Ok(Self { address, volume, mode, keeper, _autosave: autosave })
    }

    /// What it is called.
    pub(crate) fn address(&self) -> &VolumeAddress {
        &self.address
    }

    /// The volume.
    pub(crate) fn volume(&self) -> &Arc<Volume> {
        &self.volume
    }

    /// What somebody sees who gets a directory of it: `subdirectory`, relative
    /// to its root, which is empty. A missing one is created also for who only
    /// reads it, as another one is to write there; not where the volume itself
    /// is only read.
    ///
    /// # Errors
    /// When the directory is missing or is none.
    pub(crate) fn view(&self, subdirectory: &str, read_only: bool) -> Result<View> {
        let rights = if read_only { Rights::READ } else { Rights::READ | Rights::WRITE };
        if subdirectory.is_empty() {
            return Ok(View::new(&self.volume, rights)?);
        }
        let whole = View::new(&self.volume, Rights::READ | Rights::WRITE)?;
        if !self.discards_changes() {
            crate::files::create_directories(&whole.root()?, now(), subdirectory)
                .with_context(|| format!("cannot create /{subdirectory} in {}", self.address))?;
        }
        whole
            .subdirectory(subdirectory, rights)
            .with_context(|| format!("cannot use /{subdirectory} of {}", self.address))
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
