//! What a component carries, while it is put together: volumes with files in
//! them, mounts, environment and arguments.
//!
//! What lives here: deciding what goes where. What does not: the bytes of an
//! image (`larder-image`), reading hosts and archives (`larder-transfer`), and
//! placing an image into a component (`pack`, `attach`, `plug`, `p1`).

mod directories;
mod error;

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use larder_core::{Limits, Rights, Timestamp, View, Volume, VolumeOptions};
use larder_image::{Arguments, Environment, Image, ImageBuilder, Mount, Options, VolumeSpec};
use larder_transfer::{Progress, Report, Transfer, TransferError};

use self::directories::make_directories;
pub use self::error::ContentsError;

/// The volume that is there when none is named.
const DEFAULT_VOLUME: &str = "volume";

/// Permission bits and the like do not matter to guests, generations of a
/// staging volume to nobody.
const GENERATION: u64 = 1;

/// A mount that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountSpec {
    /// The volume's name; it is made when no mount named it before.
    pub volume: String,
    /// The directory of the volume, relative and without a slash at its ends;
    /// empty for the root.
    pub directory: String,
    /// Where the guest sees it: an absolute path, normalised.
    pub guest_path: String,
    /// The guest may only read.
    pub read_only: bool,
}

/// What a component is to carry.
#[derive(Debug)]
pub struct Contents {
    options: Options,
    /// One for each of the options' volumes: the files as they are put in.
    staged: Vec<Arc<Volume>>,
    /// Limits of volumes that are made from here on.
    limits: Limits,
}

impl Contents {
    /// Nothing yet. `now` is the time of composing, `limits` those of each
    /// volume.
    #[must_use]
    pub fn new(now: Timestamp, limits: Limits) -> Self {
        let options = Options { volumes: Vec::new(), mounts: Vec::new(), composed: now, ..Options::default() };
        Self { options, staged: Vec::new(), limits }
    }

    /// What a component carries already.
    ///
    /// # Errors
    /// When the image is damaged.
    pub fn of(image: &Image) -> Result<Self, ContentsError> {
        let options = image.options().clone();
        let volumes = (0..options.volumes.len()).map(|index| image.open_volume(index, GENERATION));
        let staged = volumes.collect::<Result<Vec<_>, _>>().map_err(ContentsError::Store)?;
        let limits = options.volumes.first().map_or_else(Limits::default, |volume| volume.limits.clone());
        Ok(Self { options, staged, limits })
    }

    /// Adds a mount.
    ///
    /// # Errors
    /// [`ContentsError::MountedTwice`].
    pub fn mount(&mut self, mount: MountSpec) -> Result<(), ContentsError> {
        let MountSpec { volume, directory, guest_path, read_only } = mount;
        if self.options.mounts.iter().any(|known| known.guest_path == guest_path) {
            return Err(ContentsError::MountedTwice(guest_path));
        }
        let volume = self.volume(&volume);
        let rights = if read_only { Rights::READ_ONLY } else { Rights::READ_WRITE };
        self.options.mounts.push(Mount { guest_path, volume, directory, rights });
        Ok(())
    }

    /// Mounts an empty volume at `/` unless there is a mount.
    ///
    /// # Errors
    /// None but those of [`mount`](Self::mount).
    pub fn mount_default(&mut self) -> Result<(), ContentsError> {
        if !self.options.mounts.is_empty() {
            return Ok(());
        }
        self.mount(MountSpec {
            volume: DEFAULT_VOLUME.to_owned(),
            directory: String::new(),
            guest_path: "/".to_owned(),
            read_only: false,
        })
    }

    /// Puts a host file or directory at `guest`. With `read_only` it gets a
    /// volume and a mount of its own there, which nobody can write to.
    ///
    /// # Errors
    /// Those of [`Transfer::import_host`]; [`ContentsError::NoMount`] and
    /// [`ContentsError::ReadOnly`] where the path is in no writable mount.
    pub fn add_host(
        &mut self,
        host: &Path,
        guest: &str,
        read_only: bool,
        progress: &mut dyn Progress,
    ) -> Result<Report, ContentsError> {
        self.add(guest, read_only, progress, |transfer, view, path| transfer.import_host(host, view, path))
    }

    /// Unpacks a tar stream at `guest`; `read_only` as for
    /// [`add_host`](Self::add_host).
    ///
    /// # Errors
    /// Those of [`Transfer::import_tar`], and as for
    /// [`add_host`](Self::add_host).
    pub fn add_tar(
        &mut self,
        input: &mut dyn Read,
        guest: &str,
        read_only: bool,
        progress: &mut dyn Progress,
    ) -> Result<Report, ContentsError> {
        self.add(guest, read_only, progress, |transfer, view, path| transfer.import_tar(input, view, path))
    }

    /// The environment variables that the guest sees.
    pub fn environment(&mut self) -> &mut Environment {
        &mut self.options.environment
    }

    /// Sets the arguments that the guest sees.
    pub fn set_arguments(&mut self, arguments: Arguments) {
        self.options.arguments = arguments;
    }

    /// Everything as one string of bytes.
    ///
    /// # Errors
    /// When the whole is larger than a component can carry.
    pub fn image(&self) -> Result<Vec<u8>, ContentsError> {
        let mut builder = ImageBuilder::new(self.options.clone()).map_err(ContentsError::Image)?;
        for (index, volume) in self.staged.iter().enumerate() {
            if !is_empty(volume).map_err(ContentsError::Store)? {
                let mut tree = builder.tree(index).map_err(ContentsError::Store)?;
                tree.copy_of(volume).map_err(ContentsError::Store)?;
            }
        }
        builder.finish().map_err(ContentsError::Store)
    }

    /// The index of the volume of that name, which is made if it is not there.
    fn volume(&mut self, name: &str) -> u32 {
        let known = self.options.volumes.iter().position(|volume| volume.name == name);
        let index = known.unwrap_or_else(|| {
            let limits = self.limits.clone();
            self.options.volumes.push(VolumeSpec { name: name.to_owned(), limits: limits.clone() });
            let now = self.options.composed;
            self.staged.push(Volume::new(VolumeOptions { name: name.to_owned(), limits, generation: GENERATION, now }));
            self.staged.len() - 1
        });
        // Each volume has an argument of the command line of its own.
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    fn add<'p>(
        &mut self,
        guest: &str,
        read_only: bool,
        progress: &'p mut dyn Progress,
        copy: impl FnOnce(Transfer<'p>, &View, &str) -> Result<Report, TransferError>,
    ) -> Result<Report, ContentsError> {
        let now = self.options.composed;
        let transfer = Transfer::new().at(now).with_progress(progress);
        if read_only {
            self.show_mount_point(guest)?;
            self.mount(MountSpec {
                volume: guest.to_owned(),
                directory: String::new(),
                guest_path: guest.to_owned(),
                read_only: true,
            })?;
            let volume = self.staged.last().ok_or_else(|| ContentsError::NoMount(guest.to_owned()))?;
            let view = View::new(volume, Rights::READ_WRITE).map_err(ContentsError::Store)?;
            return copy(transfer, &view, "").map_err(ContentsError::Transfer);
        }
        let (mount, below) = self.mount_of(guest).ok_or_else(|| ContentsError::NoMount(guest.to_owned()))?;
        if !mount.rights.contains(Rights::WRITE) {
            return Err(ContentsError::ReadOnly { path: guest.to_owned(), mount: mount.guest_path.clone() });
        }
        let path = join(&mount.directory, below);
        let volume = self.staged.get(mount.volume as usize).ok_or_else(|| ContentsError::NoMount(guest.to_owned()))?;
        let view = View::new(volume, Rights::READ_WRITE).map_err(ContentsError::Store)?;
        if let Some((above, _)) = path.rsplit_once('/') {
            make_directories(&view, above, now).map_err(ContentsError::Store)?;
        }
        copy(transfer, &view, &path).map_err(ContentsError::Transfer)
    }

    /// Makes the directory on which something is mounted, so that a listing of
    /// what is around it shows the name.
    fn show_mount_point(&self, guest: &str) -> Result<(), ContentsError> {
        let Some((mount, below)) = self.mount_of(guest) else { return Ok(()) };
        let Some(volume) = self.staged.get(mount.volume as usize) else { return Ok(()) };
        let view = View::new(volume, Rights::READ_WRITE).map_err(ContentsError::Store)?;
        make_directories(&view, &join(&mount.directory, below), self.options.composed).map_err(ContentsError::Store)
    }

    /// The mount in which a guest finds `path`, and the rest of the path.
    fn mount_of<'p>(&self, path: &'p str) -> Option<(&Mount, &'p str)> {
        let inside = |mount: &Mount| {
            let rest = path.strip_prefix(mount.guest_path.trim_end_matches('/'))?;
            (rest.is_empty() || rest.starts_with('/')).then(|| rest.trim_matches('/'))
        };
        let found = self.options.mounts.iter().filter_map(|mount| Some((mount, inside(mount)?)));
        found.min_by_key(|(_, rest)| rest.len())
    }
}

fn is_empty(volume: &Arc<Volume>) -> larder_core::Result<bool> {
    View::new(volume, Rights::READ_ONLY)?.root()?.read_directory(0, 1).map(|entries| entries.is_empty())
}

fn join(directory: &str, below: &str) -> String {
    match (directory.is_empty(), below.is_empty()) {
        (true, _) => below.to_owned(),
        (_, true) => directory.to_owned(),
        _ => format!("{directory}/{below}"),
    }
}
