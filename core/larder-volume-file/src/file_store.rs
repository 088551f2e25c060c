//! A volume in a snapshot file: loading, locking, saving.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use larder_core::{ErrorCode, Limits, Volume, VolumeOptions};
use larder_transfer::now;

use crate::generation;
use crate::lock::VolumeLock;

/// What may be done with the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileAccess {
    /// Load it; it must exist. Takes no lock and never saves.
    Read,
    /// Load and save it; it must exist.
    Write,
    /// Load and save it; a missing file is an empty volume.
    WriteOrCreate,
}

/// The file of a volume that this process may save.
pub struct FileStore {
    path: PathBuf,
    /// The number of saves that were asked for, and of those the ones that the
    /// last finished save covers: several `fsync`s at once share one save.
    asked: AtomicU64,
    covered: Mutex<u64>,
    _lock: VolumeLock,
}

/// Loads the volume in `path`. The store is absent for [`FileAccess::Read`].
///
/// # Errors
/// When the file is missing, in use, damaged, or larger than `limits`; the
/// message names the file and what to do.
pub fn open(path: &Path, access: FileAccess, limits: Limits) -> Result<(Arc<Volume>, Option<Arc<FileStore>>)> {
    let path = resolve(path)?;
    // Locked before the file is looked at: what is loaded is then the last
    // that any other process saved.
    let lock = match access {
        FileAccess::Read => None,
        FileAccess::Write if !path.exists() => return Err(missing(&path)),
        FileAccess::Write | FileAccess::WriteOrCreate => Some(VolumeLock::take(&path)?),
    };
    let options = VolumeOptions {
        name: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        limits,
        generation: generation(),
        now: now(),
    };
    let volume = if path.exists() {
        larder_transfer::load(&path, options).with_context(|| format!("cannot load the volume {}", path.display()))?
    } else if access == FileAccess::WriteOrCreate {
        Volume::new(options)
    } else {
        return Err(missing(&path));
    };
    let store =
        lock.map(|lock| Arc::new(FileStore { path, asked: AtomicU64::new(0), covered: Mutex::new(0), _lock: lock }));
    Ok((volume, store))
}

fn missing(path: &Path) -> anyhow::Error {
    anyhow::anyhow!("there is no volume {}: check the path, or create it with `larder mkdir -p {0}:/`", path.display())
}

/// The file that `path` means, with symbolic links followed: a save replaces
/// the file and must neither replace a link nor lock beside it.
fn resolve(path: &Path) -> Result<PathBuf> {
    if path.is_dir() {
        bail!("{} is a directory, not a volume file: name a file, for instance {0}/data.larder", path.display());
    }
    if path.exists() {
        return path.canonicalize().with_context(|| format!("cannot resolve {}", path.display()));
    }
    let name = path.file_name().with_context(|| format!("{} does not name a file", path.display()))?;
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let parent = parent.canonicalize().with_context(|| {
        format!("cannot use {} for a volume: create the directory {} first", path.display(), parent.display())
    })?;
    Ok(parent.join(name))
}

impl FileStore {
    /// The file, absolute and with links resolved.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the volume as it is now beside the file and renames it over the
    /// file; returns when both are on stable storage. Callers that wait for the
    /// same state share one save.
    ///
    /// # Errors
    /// When the file cannot be written: the former content is then untouched.
    pub fn save(&self, volume: &Arc<Volume>) -> Result<()> {
        let ticket = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        // Poisoning is of no matter: the number is only raised after a save.
        let mut covered = self.covered.lock().unwrap_or_else(PoisonError::into_inner);
        if *covered >= ticket {
            return Ok(());
        }
        let covers = self.asked.load(Ordering::SeqCst);
        larder_transfer::save(volume, &self.path).with_context(|| {
            format!("cannot save the volume {}: the file keeps its former content", self.path.display())
        })?;
        *covered = covers;
        Ok(())
    }
}

/// Makes a guest's `fsync` save the file.
pub struct SaveOnSync {
    /// The file to save to.
    pub store: Arc<FileStore>,
    /// Told why a save failed: the guest only gets `io`, the reason is for the
    /// operator.
    pub report: fn(&anyhow::Error),
}

impl larder_core::Durability for SaveOnSync {
    fn sync(&self, volume: &Arc<Volume>) -> larder_core::Result<()> {
        self.store.save(volume).map_err(|error| {
            (self.report)(&error);
            larder_core::Error::new(ErrorCode::Io, "sync")
        })
    }
}
