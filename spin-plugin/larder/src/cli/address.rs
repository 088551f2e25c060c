//! Opening the volume of a `VOLUME:/PATH` argument.

use std::collections::VecDeque;

use anyhow::{Context, Result};
use larder_core::{Descriptor, Rights, View};

use crate::volumes::{AttachedVolume, LimitChanges, OpenRequest, SaveMode, VolumePath};

/// What the commands' help says about addresses.
pub(crate) const ADDRESS_HELP: &str = "\
VOLUME:/PATH is a place in a volume file, such as data.larder:/dir/file; the root is
data.larder:/ or data.larder.";

/// The same for commands that work on remote volumes as well.
pub(crate) const REMOTE_ADDRESS_HELP: &str = "\
VOLUME:/PATH is a place in a volume file, such as data.larder:/dir/file; the root is
data.larder:/ or data.larder. nats://HOST[:PORT]/VOLUME/dir/file is one in a volume that
larder-provider serves.";

/// A volume that a command works on.
pub(crate) struct Opened {
    attached: AttachedVolume,
}

impl Opened {
    /// Loads a volume to read it. No lock is taken: what is read is what was
    /// saved last.
    ///
    /// # Errors
    /// When it is missing or damaged.
    pub(crate) fn read(path: &VolumePath) -> Result<Self> {
        Self::open(path, SaveMode::Never, &LimitChanges::default())
    }

    /// Locks and loads a volume to change it; [`Opened::save`] keeps the changes.
    ///
    /// # Errors
    /// When it is missing (unless `mode` creates it), damaged or in use.
    pub(crate) fn open(path: &VolumePath, mode: SaveMode, limits: &LimitChanges) -> Result<Self> {
        let request = OpenRequest::by_operator(path.address.clone(), mode, limits);
        Ok(Self { attached: AttachedVolume::open(request)? })
    }

    /// The volume.
    pub(crate) fn attached(&self) -> &AttachedVolume {
        &self.attached
    }

    /// All of it, with all rights.
    ///
    /// # Errors
    /// When the root cannot be opened.
    pub(crate) fn view(&self) -> Result<View> {
        Ok(View::new(self.attached.volume(), Rights::READ | Rights::WRITE)?)
    }

    /// Its root directory.
    ///
    /// # Errors
    /// When no descriptor can be opened.
    pub(crate) fn root(&self) -> Result<Descriptor> {
        Ok(self.view()?.root()?)
    }

    /// Keeps the changes.
    ///
    /// # Errors
    /// When the file cannot be written; it then keeps its former content.
    pub(crate) fn save(&self) -> Result<()> {
        self.attached.save()
    }
}

/// Loads each volume of `paths` once and hands the root and the paths in it to
/// `each`, in the order of the paths.
///
/// # Errors
/// The first of `each`'s, or of loading.
pub(crate) fn for_each_path(
    paths: &[VolumePath],
    mode: SaveMode,
    mut each: impl FnMut(&Descriptor, &VolumePath) -> Result<()>,
) -> Result<()> {
    let mut rest: VecDeque<&VolumePath> = paths.iter().collect();
    while let Some(first) = rest.front().copied() {
        let opened = Opened::open(first, mode, &LimitChanges::default())?;
        let root = opened.root()?;
        while let Some(path) = rest.pop_front_if(|path| path.address == first.address) {
            each(&root, path)?;
        }
        drop(root);
        opened.save()?;
    }
    Ok(())
}

/// Adds the place to a store's error.
pub(crate) trait AtPath<T> {
    /// Names the place that the user gave.
    fn at_path(self, path: &VolumePath) -> Result<T>;
}

impl<T> AtPath<T> for larder_core::Result<T> {
    fn at_path(self, path: &VolumePath) -> Result<T> {
        self.with_context(|| path.to_string())
    }
}
