//! Which volumes a process serves, as its configuration says it.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use larder_core::{Limits, Volume, VolumeOptions};
use larder_volume_file::{FileAccess, FileStore, LimitChanges, SaveOnSync, generation};
use serde::Deserialize;

use crate::ServedVolume;

/// One volume of a configuration, for instance a table `[volumes.NAME]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VolumeSettings {
    /// The snapshot file that the volume is loaded from and saved to. A
    /// relative path starts at the directory of the configuration.
    pub file: Option<PathBuf>,
    /// An empty volume that is gone when the process ends, instead of a file.
    pub memory: bool,
    /// Whether sessions may change it. A writable volume whose file is missing
    /// begins empty.
    pub writable: bool,
    /// Limits that differ from the defaults.
    pub limits: LimitChanges,
    /// Besides when a guest syncs and at the end, a changed volume is saved
    /// this often, in seconds.
    pub save_every_seconds: Option<NonZeroU64>,
}

impl VolumeSettings {
    /// Loads the volume, and locks its file if it is writable.
    ///
    /// # Errors
    /// When the settings contradict each other, or the file is missing, in use
    /// by another process, damaged or larger than the limits.
    pub fn open(&self, name: &str, directory: &Path) -> Result<OpenVolume> {
        let limits = self.limits.apply(Limits::default());
        let (volume, store) = match (&self.file, self.memory) {
            (Some(_), true) => bail!("volume `{name}`: give `file` or `memory = true`, not both"),
            (None, false) => bail!("volume `{name}`: give `file = \"PATH\"` or `memory = true`"),
            (None, true) if !self.writable => {
                bail!("volume `{name}` is in memory and would stay empty: add `writable = true`")
            }
            (None, true) => {
                let now = larder_transfer::now();
                (Volume::new(VolumeOptions { name: name.to_owned(), limits, generation: generation(), now }), None)
            }
            (Some(file), false) => {
                let access = if self.writable { FileAccess::WriteOrCreate } else { FileAccess::Read };
                larder_volume_file::open(&directory.join(file), access, limits)?
            }
        };
        if self.save_every_seconds.is_some() && store.is_none() {
            bail!("volume `{name}`: `save_every_seconds` needs a writable volume with a `file`");
        }
        if let Some(store) = &store {
            let report = |error: &anyhow::Error| tracing::error!("{error:#}");
            volume.set_durability(Arc::new(SaveOnSync { store: Arc::clone(store), report }))?;
        }
        let save_every = self.save_every_seconds.map(|seconds| Duration::from_secs(seconds.get()));
        Ok(OpenVolume { name: name.to_owned(), volume, writable: self.writable, store, save_every })
    }
}

/// A volume of this process.
#[derive(Clone)]
pub struct OpenVolume {
    name: String,
    volume: Arc<Volume>,
    writable: bool,
    store: Option<Arc<FileStore>>,
    save_every: Option<Duration>,
}

impl OpenVolume {
    /// Its name in subjects.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// For [`Server::start`](crate::Server::start).
    #[must_use]
    pub fn served(&self) -> ServedVolume {
        ServedVolume { name: self.name.clone(), volume: Arc::clone(&self.volume), writable: self.writable }
    }

    /// How often it is to be saved besides syncs and the end; none where only
    /// then.
    #[must_use]
    pub const fn save_every(&self) -> Option<Duration> {
        self.save_every
    }

    /// Saves it to its file and returns when that is durable; does nothing for
    /// volumes in memory and those that are only read. Blocks.
    ///
    /// # Errors
    /// When the file cannot be written: its former content is then untouched.
    pub fn save(&self) -> Result<()> {
        self.store.as_ref().map_or(Ok(()), |store| store.save(&self.volume))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictions_are_named() {
        let here = Path::new(".");
        let settings = |text: &str| toml::from_str::<VolumeSettings>(text).unwrap();
        for (text, says) in [
            ("", "`file = \"PATH\"` or `memory = true`"),
            ("memory = true\nfile = 'a'", "not both"),
            ("memory = true", "writable = true"),
            ("memory = true\nwritable = true\nsave_every_seconds = 1", "save_every_seconds"),
            ("file = 'missing.larder'", "missing.larder"),
        ] {
            let error = settings(text).open("data", here).err().map(|error| format!("{error:#}"));
            assert!(error.as_ref().is_some_and(|error| error.contains(says)), "{text}: {error:?}");
        }
        let volume =
            settings("memory = true\nwritable = true\nlimits = { bytes = '1MiB' }").open("data", here).unwrap();
        assert_eq!(volume.served().volume.limits().bytes, 1 << 20);
    }
}
