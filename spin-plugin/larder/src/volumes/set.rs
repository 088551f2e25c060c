//! The volumes of a run: each opened once, all saved at the end.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use larder_core::Limits;
use larder_nats_client::{Access, Options};

use super::{
    AttachedVolume, LimitChanges, MountArgument, MountTable, OpenRequest, RemoteVolume, SaveMode, VolumeAddress,
};

/// All volumes of a run.
#[derive(Default)]
pub(crate) struct VolumeSet {
    volumes: Vec<(Identity, Arc<AttachedVolume>)>,
}

/// The same for all spellings of one volume.
#[derive(PartialEq, Eq)]
enum Identity {
    Address(VolumeAddress),
    Bucket(String),
}

fn identity(address: &VolumeAddress) -> Identity {
    Identity::Address(match address {
        VolumeAddress::File(path) => VolumeAddress::File(path.canonicalize().unwrap_or_else(|_| absolute(path))),
        VolumeAddress::Memory(_) | VolumeAddress::Nats(_) | VolumeAddress::Spin(_) => address.clone(),
        VolumeAddress::S3(address) => return Identity::Bucket(address.identity()),
    })
}

/// A volume is opened once, and can only be as one address says.
fn check_same(one: &VolumeAddress, other: &VolumeAddress) -> Result<()> {
    match (one, other) {
        (VolumeAddress::S3(one), VolumeAddress::S3(other)) if one != other => {
            bail!("{one} and {other} are the same volume: give both mounts the same address")
        }
        _ => Ok(()),
    }
}

/// What a volume may hold that this process keeps, unless it is said.
pub(crate) fn usual_limits(address: &VolumeAddress) -> Limits {
    match address {
        VolumeAddress::S3(_) => larder_s3::usual_limits(),
        _ => Limits::default(),
    }
}

fn absolute(path: &std::path::Path) -> PathBuf {
    match (path.parent().map(std::path::Path::canonicalize), path.file_name()) {
        (Some(Ok(parent)), Some(name)) => parent.join(name),
        _ => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
    }
}

impl VolumeSet {
    /// Opens the volumes of `--volume` arguments and mounts them; without any,
    /// one fresh volume in memory at `/`.
    ///
    /// # Errors
    /// The first volume that cannot be opened or mounted.
    pub(crate) fn mount(
        arguments: &[MountArgument],
        limits: Option<&LimitChanges>,
        nats: &Options,
    ) -> Result<(Self, MountTable)> {
        let remote = |argument: &MountArgument| matches!(argument.address, VolumeAddress::Nats(_));
        if limits.is_some() && !arguments.is_empty() && arguments.iter().all(remote) {
            bail!("--limit is for volumes of this process: larder-provider has the limits of a remote volume");
        }
        // Before a bucket is asked.
        for (index, argument) in arguments.iter().enumerate() {
            let same = identity(&argument.address);
            let mut others = arguments.iter().skip(index + 1).filter(|other| identity(&other.address) == same);
            others.try_for_each(|other| check_same(&argument.address, &other.address))?;
        }
        let limits = &limits.cloned().unwrap_or_default();
        let mut set = Self::default();
        let mut table = MountTable::default();
        if arguments.is_empty() {
            let address = VolumeAddress::Memory("fresh".to_owned());
            let attached = set.open(&address, SaveMode::Never, limits)?;
            table.add("/", &attached, "", false)?;
        }
        for argument in arguments {
            if let VolumeAddress::Nats(address) = &argument.address {
                let access = if argument.purpose.read_only { Access::Read } else { Access::Write };
                let options = Options { access, mount_path: argument.guest.clone(), ..nats.clone() };
                let volume = RemoteVolume::connect(address, &options)?;
                table.add_remote(&argument.guest, Arc::new(volume))?;
                continue;
            }
            // A volume is opened once and for all of its mounts: with the most
            // that any of them needs.
            let same = identity(&argument.address);
            let mode = arguments
                .iter()
                .filter(|other| identity(&other.address) == same)
                .map(|other| match other.purpose {
                    purpose if purpose.sync => SaveMode::OnSync,
                    purpose if purpose.read_only => SaveMode::Never,
                    _ => SaveMode::AtEnd,
                })
                .max_by_key(|mode| *mode as u8)
                .unwrap_or(SaveMode::AtEnd);
            let attached = set.open(&argument.address, mode, limits)?;
            table.add(&argument.guest, &attached, &argument.subdirectory, argument.purpose.read_only)?;
        }
        Ok((set, table))
    }

    /// The volume at `address`, opened unless it is open already.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(crate) fn open(
        &mut self,
        address: &VolumeAddress,
        mode: SaveMode,
        limits: &LimitChanges,
    ) -> Result<Arc<AttachedVolume>> {
        let same = identity(address);
        if let Some((_, attached)) = self.volumes.iter().find(|(known, _)| *known == same) {
            check_same(attached.address(), address)?;
            return Ok(Arc::clone(attached));
        }
        let attached = Arc::new(AttachedVolume::open(OpenRequest {
            address: address.clone(),
            mode,
            limits: limits.apply(usual_limits(address)),
        })?);
        self.volumes.push((same, Arc::clone(&attached)));
        Ok(attached)
    }

    /// Whether the volume at `address` is open.
    pub(crate) fn has(&self, address: &VolumeAddress) -> bool {
        let same = identity(address);
        self.volumes.iter().any(|(known, _)| *known == same)
    }

    /// Saves every volume that has a place to be saved to; one that fails does
    /// not keep the others from being saved.
    ///
    /// # Errors
    /// All failures in one message.
    pub(crate) fn save(&self) -> Result<()> {
        let failures: Vec<String> = self
            .volumes
            .iter()
            .filter_map(|(_, attached)| attached.save().err())
            .map(|error| format!("{error:#}"))
            .collect();
        if failures.is_empty() {
            return Ok(());
        }
        Err(anyhow::anyhow!(failures.join("; "))).context("not everything could be saved")
    }
}
