//! The app's volumes, opened as the manifest says: the mounts of its triggers,
//! and the key-value stores of its components.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use larder_nats_client::{Access, Options};
use larder_nats_server::ServedVolume;
use larder_spin_app::config::{Config, DEFAULT_STORE, Mount, MountMode, StorePlace, Trigger, Volume, VolumeKind};
use larder_spin_host::{KeyValueStore, KeyValueStores};
use larder_transfer::now;

use crate::cli::guest::RemoteArguments;
use crate::volumes::{AttachedVolume, LimitChanges, MountTable, RemoteVolume, SaveMode, VolumeAddress, VolumeSet};

/// The file of the key-value store that is there without being configured, in
/// the state directory.
const STORE_FILE: &str = "key-value/default.larder";

/// Opens volumes when they are mounted.
pub(super) struct Volumes<'a> {
    config: &'a Config,
    /// Where files are, and where paths in addresses begin. None for an app
    /// without one.
    state: Option<PathBuf>,
    remote: &'a RemoteArguments,
    open: VolumeSet,
    /// Those of this process, by their names in the manifest.
    named: BTreeMap<String, Arc<AttachedVolume>>,
    /// Those of stores that are not configured, by what they are called in
    /// metrics. No volume of a manifest is called so.
    own_stores: BTreeMap<String, Arc<AttachedVolume>>,
    /// By label. All components that open a store share it.
    stores: BTreeMap<String, Arc<KeyValueStore>>,
}

impl<'a> Volumes<'a> {
    /// The volumes of `config`, none of which is opened yet.
    pub(super) fn new(config: &'a Config, state: Option<PathBuf>, remote: &'a RemoteArguments) -> Self {
        Self {
            config,
            state,
            remote,
            open: VolumeSet::default(),
            named: BTreeMap::new(),
            own_stores: BTreeMap::new(),
            stores: BTreeMap::new(),
        }
    }

    /// All that were opened, to be saved at the end; also those that
    /// [`files`](super::files) are in.
    pub(super) fn set(&mut self) -> &mut VolumeSet {
        &mut self.open
    }

    /// What others may ask this process for: its volumes, by their names in the
    /// manifest. Those that it only reads are only read.
    pub(super) fn for_others(&self) -> larder_socket::Volumes {
        let served = self.named.iter().map(|(name, attached)| ServedVolume {
            name: name.clone(),
            volume: Arc::clone(attached.volume()),
            writable: !attached.discards_changes(),
        });
        let elsewhere = self.config.volumes.values().filter_map(|volume| match &volume.kind {
            VolumeKind::Nats { address } => Some((volume.name.clone(), address.clone())),
            _ => None,
        });
        larder_socket::Volumes { served: served.collect(), elsewhere: elsewhere.collect() }
    }

    /// What metrics tell of: the volumes of this process, by their names in the
    /// manifest, and those of stores that are not configured.
    pub(super) fn for_metrics(&self) -> Vec<(String, Arc<larder_core::Volume>)> {
        let all = self.named.iter().chain(&self.own_stores);
        all.map(|(name, attached)| (name.clone(), Arc::clone(attached.volume()))).collect()
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
        let attached = self.attach(volume)?;
        table.add(&mount.path, &attached, &mount.subdirectory, read_only)
    }

    /// Opens a volume of this process.
    fn attach(&mut self, volume: &Volume) -> Result<Arc<AttachedVolume>> {
        let (address, mode) = self.address(volume)?;
        let limits: LimitChanges = match volume.limits.to_string() {
            none if none.is_empty() => LimitChanges::default(),
            some => some.parse().map_err(anyhow::Error::msg)?,
        };
        let attached = self.open.open(&address, mode, &limits)?;
        self.named.insert(volume.name.clone(), Arc::clone(&attached));
        Ok(attached)
    }

    /// The stores that a component may open, by its labels.
    ///
    /// # Errors
    /// The first one whose volume cannot be opened.
    pub(super) fn stores(&mut self, labels: &[String]) -> Result<KeyValueStores> {
        let mut stores = KeyValueStores::default();
        for label in labels {
            let store = self.store(label).with_context(|| format!("the key-value store `{label}`"))?;
            stores = stores.with(label, store);
        }
        Ok(stores)
    }

    /// Puts a value into the store that is there without being configured.
    ///
    /// # Errors
    /// When it cannot be opened, or does not take the value.
    pub(super) fn put(&mut self, key: &str, value: &[u8]) -> Result<()> {
        let put = |store: Arc<KeyValueStore>| Ok(store.set(key, value)?);
        self.store(DEFAULT_STORE).and_then(put).with_context(|| format!("the key-value store `{DEFAULT_STORE}`"))
    }

    fn store(&mut self, label: &str) -> Result<Arc<KeyValueStore>> {
        if let Some(store) = self.stores.get(label) {
            return Ok(Arc::clone(store));
        }
        // Config::read has checked both.
        let place = self.config.stores.get(label).context("nothing says where it is")?;
        let mut syncs = false;
        let (attached, subdirectory) = match place {
            StorePlace::Own => (self.own_store(label)?, ""),
            StorePlace::Volume { volume, subdirectory } => {
                let volume =
                    self.config.volumes.get(volume).with_context(|| format!("there is no volume `{volume}`"))?;
                if matches!(volume.kind, VolumeKind::Nats { .. }) {
                    bail!(
                        "the volume `{}` is served by a provider, and a store is in a volume of this process: put it into another one",
                        volume.name
                    );
                }
                syncs = matches!(volume.kind, VolumeKind::File { sync: true, .. });
                (self.attach(volume)?, subdirectory.as_str())
            }
        };
        let store = KeyValueStore::new(attached.view(subdirectory, false)?, Arc::new(now));
        let store = Arc::new(if syncs { store.syncing() } else { store });
        self.stores.insert(label.to_owned(), Arc::clone(&store));
        Ok(store)
    }

    /// The volume of a store that is not configured: a file, or in memory
    /// where there is no state directory.
    fn own_store(&mut self, label: &str) -> Result<Arc<AttachedVolume>> {
        let (address, mode) = match &self.state {
            Some(state) => (VolumeAddress::File(in_state(state, STORE_FILE)?), SaveMode::Often),
            None => (VolumeAddress::Memory(format!("store {label}")), SaveMode::Never),
        };
        let attached = self.open.open(&address, mode, &LimitChanges::default())?;
        self.own_stores.insert(format!("key-value/{label}"), Arc::clone(&attached));
        Ok(attached)
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
                let path = in_state(self.state()?, path)?;
                let mode = match (written, sync) {
                    (false, _) => SaveMode::Never,
                    (true, false) => SaveMode::Often,
                    (true, true) => SaveMode::OftenAndOnSync,
                };
                (VolumeAddress::File(path), mode)
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
        let has_store = |place: &StorePlace| matches!(place, StorePlace::Volume { volume: of, .. } if of == volume);
        mounts.any(|mount| mount.volume == volume && mount.mode == MountMode::ReadWrite)
            || self.config.stores.values().any(has_store)
    }
}

/// A file in the state directory, whose own directory is made.
fn in_state(state: &Path, file: &str) -> Result<PathBuf> {
    let path = state.join(file);
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)
            .with_context(|| format!("cannot create the directory {}", directory.display()))?;
    }
    Ok(path)
}
