//! The app's volumes, opened as the manifest says, and the mounts of its
//! triggers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use larder_nats_client::{Access, Options};
use larder_spin_app::config::{Config, Mount, MountMode, Trigger, Volume, VolumeKind};

use crate::cli::guest::RemoteArguments;
use crate::volumes::{LimitChanges, MountTable, RemoteVolume, SaveMode, VolumeAddress, VolumeSet};

/// Opens volumes when they are mounted.
pub(super) struct Volumes<'a> {
    config: &'a Config,
    /// Where files are, and where paths in addresses begin. None for an app
    /// without one.
    state: Option<PathBuf>,
    remote: &'a RemoteArguments,
    open: VolumeSet,
}

impl<'a> Volumes<'a> {
    /// The volumes of `config`, none of which is opened yet.
    pub(super) fn new(config: &'a Config, state: Option<PathBuf>, remote: &'a RemoteArguments) -> Self {
        Self { config, state, remote, open: VolumeSet::default() }
    }

    /// All that were opened, to be saved at the end; also those that
    /// [`files`](super::files) are in.
    pub(super) fn set(&mut self) -> &mut VolumeSet {
        &mut self.open
    }

    /// What was opened.
    pub(super) fn into_set(self) -> VolumeSet {
        self.open
    }

    /// Adds a trigger's mounts to what its component sees.
    ///
    /// # Errors
    /// The first volume that cannot be opened, reached or mounted.
    pub(super) fn mount(&mut self, trigger: &Trigger, table: &mut MountTable) -> Result<()> {
        for mount in &trigger.mounts {
            let name = &mount.volume;
            // Config::read has checked it.
            let volume = self.config.volumes.get(name).with_context(|| format!("there is no volume `{name}`"))?;
            self.mount_one(volume, mount, table).with_context(|| format!("volume `{name}` of `{}`", trigger.id))?;
        }
        Ok(())
    }

    fn mount_one(&mut self, volume: &Volume, mount: &Mount, table: &mut MountTable) -> Result<()> {
        let read_only = mount.mode == MountMode::ReadOnly;
        if let VolumeKind::Nats { address } = &volume.kind {
            let address = match mount.subdirectory.as_str() {
                "" => address.clone(),
                subdirectory => format!("{}/{subdirectory}", address.trim_end_matches('/')),
            };
            let address = address.parse().map_err(|error| anyhow!("{address}: {error}"))?;
            let access = if read_only { Access::Read } else { Access::Write };
            let options = Options { access, mount_path: mount.path.clone(), ..self.remote.nats() };
            return table.add_remote(&mount.path, Arc::new(RemoteVolume::connect(&address, &options)?));
        }
        let (address, mode) = self.address(volume)?;
        let limits: LimitChanges = match volume.limits.to_string() {
            none if none.is_empty() => LimitChanges::default(),
            some => some.parse().map_err(anyhow::Error::msg)?,
        };
        let attached = self.open.open(&address, mode, &limits)?;
        table.add(&mount.path, &attached, &mount.subdirectory, read_only)
    }

    /// Where a volume of this process is, and when it is saved.
    fn address(&self, volume: &Volume) -> Result<(VolumeAddress, SaveMode)> {
        let written = self.is_written(&volume.name);
        let mode = if written { SaveMode::AtEnd } else { SaveMode::Never };
        Ok(match &volume.kind {
            VolumeKind::Memory | VolumeKind::Nats { .. } => {
                (VolumeAddress::Memory(format!("volume {}", volume.name)), SaveMode::Never)
            }
            VolumeKind::File { path, sync } => {
                let path = self.state()?.join(path);
                if let Some(directory) = path.parent() {
                    std::fs::create_dir_all(directory)
                        .with_context(|| format!("cannot create the directory {}", directory.display()))?;
                }
                (VolumeAddress::File(path), if *sync && written { SaveMode::OnSync } else { mode })
            }
            VolumeKind::S3 { address } => {
                let mut address: larder_s3::S3Address = address.parse().map_err(anyhow::Error::new)?;
                if address.has_relative_paths() {
                    address = address.below(self.state()?);
                }
                (self.remote.buckets.configured(&VolumeAddress::S3(Box::new(address)))?, mode)
            }
        })
    }

    fn state(&self) -> Result<&Path> {
        self.state.as_deref().context(
            "the app has no state directory, where it would be kept: give one with `--state-dir`, or put the volume elsewhere",
        )
    }

    /// Whether any trigger may change a volume: otherwise its file is neither
    /// locked nor saved, and its bucket only read.
    fn is_written(&self, volume: &str) -> bool {
        let mut mounts = self.config.triggers.iter().flat_map(|trigger| &trigger.mounts);
        mounts.any(|mount| mount.volume == volume && mount.mode == MountMode::ReadWrite)
    }
}
