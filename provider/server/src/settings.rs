//! Which volumes a process serves, as its configuration says it.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use larder_core::{Limits, Volume, VolumeOptions};
use larder_s3::{S3Address, S3Volume};
use larder_volume_file::{FileAccess, FileStore, LimitChanges, SaveOnSync, generation};
use parking_lot::Mutex;
use serde::Deserialize;

use crate::ServedVolume;

/// One volume of a configuration, for instance a table `[volumes.NAME]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VolumeSettings {
    /// The snapshot file that the volume is loaded from and saved to. A
    /// relative path starts at the directory of the configuration.
    pub file: Option<PathBuf>,
    /// The address of a volume in an S3 bucket, instead of a file. What it does
    /// not say of credentials comes from the AWS environment. Relative paths
    /// in it start at the directory of the configuration.
    pub s3: Option<S3Address>,
    /// The id of the access key for the bucket.
    pub s3_access_key_id: Option<String>,
    /// A file with the access key's secret, which belongs to the id.
    pub s3_secret_access_key_file: Option<PathBuf>,
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
        if self.s3.is_none() && (self.s3_access_key_id.is_some() || self.s3_secret_access_key_file.is_some()) {
            bail!("volume `{name}`: `s3_access_key_id` and `s3_secret_access_key_file` are for one with `s3`");
        }
        let limits = |usual| self.limits.apply(usual);
        let (volume, keeper) = match (&self.file, &self.s3, self.memory) {
            (Some(file), None, false) => {
                let access = if self.writable { FileAccess::WriteOrCreate } else { FileAccess::Read };
                let opened = larder_volume_file::open(&directory.join(file), access, limits(Limits::default()))?;
                (opened.0, opened.1.map_or(Keeper::Nobody, Keeper::File))
            }
            (None, Some(address), false) => {
                let open = self.open_bucket(address, directory, limits(larder_s3::usual_limits()));
                let open = open.with_context(|| format!("volume `{name}`, {}", address.name()))?;
                (Arc::clone(open.volume()), Keeper::Bucket(Arc::new(Mutex::new(Some(open)))))
            }
            (None, None, true) if !self.writable => {
                bail!("volume `{name}` is in memory and would stay empty: add `writable = true`")
            }
            (None, None, true) => {
                let (now, limits) = (larder_transfer::now(), limits(Limits::default()));
                let options = VolumeOptions { name: name.to_owned(), limits, generation: generation(), now };
                (Volume::new(options), Keeper::Nobody)
            }
            (None, None, false) => {
                bail!("volume `{name}`: give `file = \"PATH\"`, `s3 = \"s3://BUCKET/PREFIX\"` or `memory = true`")
            }
            _ => bail!("volume `{name}`: give one of `file`, `s3` and `memory = true`, not both"),
        };
        if self.save_every_seconds.is_some() && !matches!(keeper, Keeper::File(_)) {
            bail!("volume `{name}`: `save_every_seconds` needs a writable volume with a `file`");
        }
        if let Keeper::File(store) = &keeper {
            let report = |error: &anyhow::Error| tracing::error!("{error:#}");
            volume.set_durability(Arc::new(SaveOnSync { store: Arc::clone(store), report }))?;
        }
        let save_every = self.save_every_seconds.map(|seconds| Duration::from_secs(seconds.get()));
        Ok(OpenVolume { name: name.to_owned(), volume, writable: self.writable, keeper, save_every })
    }

    fn open_bucket(&self, address: &S3Address, directory: &Path, limits: Limits) -> Result<S3Volume> {
        let mut address = address.clone().below(directory);
        match (&self.s3_access_key_id, &self.s3_secret_access_key_file) {
            (None, None) => {}
            (Some(id), Some(file)) => {
                let file = directory.join(file);
                let secret = std::fs::read_to_string(&file)
                    .with_context(|| format!("cannot read the secret of `s3_access_key_id` in {}", file.display()))?;
                address = address.with_credentials(id.clone(), secret.trim_end_matches(['\r', '\n']).to_owned());
            }
            _ => bail!("`s3_access_key_id` and `s3_secret_access_key_file` belong together"),
        }
        Ok(S3Volume::open(address.options(!self.writable)?, limits)?)
    }
}

/// A volume of this process.
#[derive(Clone)]
pub struct OpenVolume {
    name: String,
    volume: Arc<Volume>,
    writable: bool,
    keeper: Keeper,
    save_every: Option<Duration>,
}

#[derive(Clone)]
enum Keeper {
    /// It is in memory, or a file that is only read.
    Nobody,
    File(Arc<FileStore>),
    /// None once it is closed.
    Bucket(Arc<Mutex<Option<S3Volume>>>),
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
    /// volumes in memory and those that are only read. One in a bucket, which
    /// has its changes all the time, is synced. Blocks.
    ///
    /// # Errors
    /// When the file cannot be written: its former content is then untouched.
    /// When the bucket does not take the changes.
    pub fn save(&self) -> Result<()> {
        match &self.keeper {
            Keeper::Nobody => Ok(()),
            Keeper::File(store) => store.save(&self.volume),
            Keeper::Bucket(_) => self.volume.sync().with_context(|| format!("volume `{}`", self.name)),
        }
    }

    /// [`save`](Self::save)s it for the last time: one in a bucket takes no
    /// changes afterwards. Blocks.
    ///
    /// # Errors
    /// As [`save`](Self::save).
    pub fn close(&self) -> Result<()> {
        let Keeper::Bucket(open) = &self.keeper else { return self.save() };
        let open = open.lock().take();
        open.map_or(Ok(()), S3Volume::close)
            .with_context(|| format!("volume `{}`: the bucket does not have all changes", self.name))
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
            ("", "`file = \"PATH\"`, `s3 = \"s3://BUCKET/PREFIX\"` or `memory = true`"),
            ("memory = true\nfile = 'a'", "not both"),
            ("s3 = 's3://b'\nfile = 'a'", "not both"),
            ("file = 'a'\ns3_access_key_id = 'x'", "are for one with `s3`"),
            ("s3 = 's3://b'\ns3_access_key_id = 'x'", "volume `data`, s3://b: `s3_access_key_id` and"),
            ("s3 = 's3://b'\ns3_access_key_id = 'x'\ns3_secret_access_key_file = 'none'", "./none"),
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
