//! Opening the volume of a `VOLUME:/PATH` argument.

use std::collections::VecDeque;

use anyhow::{Context, Result, bail};
use larder_core::{Descriptor, DescriptorFlags, FileType, Follow, OpenFlags, Rights, View};
use larder_nats_client::Access;
use larder_transfer::{Report, now};

use super::reach::{ReachArguments, Reached};
use crate::files::{Directory, RemoteDirectory, kind_of, open_directory, pull, push};
use crate::progress::Bar;
use crate::volumes::{AttachedVolume, LimitChanges, OpenRequest, SaveMode, VolumeAddress, VolumePath};

/// What the commands' help says about addresses.
pub(crate) const ADDRESS_HELP: &str = "\
VOLUME:/PATH is a place in a volume file, such as data.larder:/dir/file; the root is
data.larder:/ or data.larder. nats://HOST[:PORT]/VOLUME/dir/file is one in a volume that
larder-provider serves. spin:VOLUME:/dir/file is one in a volume of a Spin app, whether the
app runs or is at rest; --state-dir says where its state is. s3://BUCKET/PREFIX[?KEY=VALUE&…]:/dir/file is one in a bucket: the
path begins at the first `:/` that is not `://`, so that `:` in the prefix is written `%3A`.";

/// A volume that a command works on as a whole: a volume file, or a copy in
/// memory of what the command needs of a served volume.
pub(crate) struct Opened {
    attached: AttachedVolume,
    /// The served volume that [`Opened::save`] copies to.
    target: Option<RemoteDirectory>,
}

impl Opened {
    /// Loads a volume file to read it. No lock is taken: what is read is what
    /// was saved last.
    ///
    /// # Errors
    /// When it is missing or damaged.
    pub(crate) fn read(address: VolumeAddress) -> Result<Self> {
        Self::open(address, SaveMode::Never, &LimitChanges::default())
    }

    /// The same of what a transfer begins with: of a served volume what is at
    /// `path`, and below it if `wanted` says so of its kind.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn source(
        path: &VolumePath,
        reach: &ReachArguments,
        wanted: impl FnOnce(FileType) -> bool,
    ) -> Result<(Self, Report)> {
        let served = match reach.reach(&path.address, Access::Read)? {
            Reached::Here(address) => return Ok((Self::read(address)?, Report::default())),
            Reached::Served(served) => served,
        };
        let copy = Self::in_memory(None)?;
        match served.kind(Follow::Yes, &path.path).at_path(path)? {
            Some(kind) if wanted(kind) => {}
            Some(FileType::Directory) => {
                crate::files::create_directories(&copy.root()?, now(), &path.path)?;
                return Ok((copy, Report::default()));
            }
            // Whoever looks there sees what it is, and says so.
            Some(_) => {
                let (root, now) = (copy.root()?, now());
                let (above, _) = path.path.rsplit_once('/').unwrap_or_default();
                crate::files::create_directories(&root, now, above)?;
                root.open_at(now, Follow::No, &path.path, OpenFlags::CREATE, DescriptorFlags::WRITE)?;
                return Ok((copy, Report::default()));
            }
            None => return Ok((copy, Report::default())),
        }
        let report = pull(&served, &path.path, &copy.root()?, &mut Bar::new("reading", None)).at_path(path)?;
        Ok((copy, report))
    }

    /// Locks and loads a volume file to change it; [`Opened::save`] keeps the
    /// changes.
    ///
    /// # Errors
    /// When it is missing (unless `mode` creates it), damaged or in use.
    fn open(address: VolumeAddress, mode: SaveMode, limits: &LimitChanges) -> Result<Self> {
        let request = OpenRequest::by_operator(address, mode, limits);
        Ok(Self { attached: AttachedVolume::open(request)?, target: None })
    }

    /// The volume that a transfer ends in. Of a served one nothing is loaded:
    /// the transfer ends in memory, and [`Opened::save`] copies it from there.
    ///
    /// # Errors
    /// When it cannot be opened, or is served and has limits of its own.
    pub(crate) fn target(path: &VolumePath, limits: Option<&LimitChanges>, reach: &ReachArguments) -> Result<Self> {
        let address = &path.address;
        if let (VolumeAddress::Nats(_), Some(_)) = (address, limits) {
            bail!("--limit is for volume files: larder-provider has the limits of the remote volume {address}");
        }
        match reach.reach(address, Access::Write)? {
            Reached::Here(address) => Self::open(address, SaveMode::AtEnd, &limits.cloned().unwrap_or_default()),
            Reached::Served(_) if limits.is_some() => {
                bail!("--limit is for volume files: the app that runs has the limits of {address}")
            }
            Reached::Served(served) => Self::in_memory(Some(served)),
        }
    }

    fn in_memory(target: Option<RemoteDirectory>) -> Result<Self> {
        let address = VolumeAddress::Memory("copy".to_owned());
        let request = OpenRequest::by_operator(address, SaveMode::Never, &LimitChanges::default());
        Ok(Self { attached: AttachedVolume::open(request)?, target })
    }

    /// Whether it is memory alone, on the way to a served volume.
    pub(crate) const fn is_remote(&self) -> bool {
        self.target.is_some()
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

    /// What is at `path` where the transfer ends, links followed.
    ///
    /// # Errors
    /// Those of the look-up other than `no-entry`.
    pub(crate) fn kind_of(&self, path: &str) -> Result<Option<FileType>> {
        match &self.target {
            Some(remote) => Ok(remote.kind(Follow::Yes, path)?),
            None => Ok(kind_of(&self.root()?, path)?),
        }
    }

    /// Keeps the changes: all of a volume file; of a served one, what was put
    /// into its directory `below`, which is made where it is missing.
    ///
    /// # Errors
    /// When the file cannot be written; it then keeps its former content. When
    /// something cannot be put into the served volume; what was put there until
    /// then stays.
    pub(crate) fn save(self, below: &str) -> Result<Report> {
        let Self { attached, target } = self;
        let Some(remote) = target else { return attached.save().map(|()| Report::default()) };
        let below = below.trim_matches('/');
        let root = View::new(attached.volume(), Rights::READ | Rights::WRITE)?.root()?;
        let from = open_directory(&root, now(), Follow::Yes, below)?;
        remote.create_directories(below)?;
        let to = remote.enter(Follow::Yes, below)?;
        let mut bar = Bar::new("sending", Some(attached.volume().usage().bytes));
        let report = push(&from, to, &mut bar)?;
        remote.sync()?;
        Ok(report)
    }
}

/// Opens each volume of `paths` once and hands the root and the paths in it to
/// `each`, in the order of the paths. What `each` changed is saved, of a served
/// volume made as durable as it promises.
///
/// # Errors
/// The first of `each`'s, or of opening and saving.
pub(crate) fn for_each_path(
    paths: &[VolumePath],
    mode: SaveMode,
    reach: &ReachArguments,
    mut each: impl FnMut(&Directory, &VolumePath) -> Result<()>,
) -> Result<()> {
    let mut rest: VecDeque<&VolumePath> = paths.iter().collect();
    while let Some(first) = rest.front().copied() {
        let mut rest_of_volume = |root: &Directory| {
            while let Some(path) = rest.pop_front_if(|path| path.address == first.address) {
                each(root, path)?;
            }
            anyhow::Ok(())
        };
        let access = if mode == SaveMode::Never { Access::Read } else { Access::Write };
        match reach.reach(&first.address, access)? {
            Reached::Served(root) => {
                let root = Directory::Remote(root);
                rest_of_volume(&root)?;
                if let (Directory::Remote(root), Access::Write) = (&root, access) {
                    root.sync().with_context(|| first.address.to_string())?;
                }
            }
            Reached::Here(address) => {
                let opened = Opened::open(address, mode, &LimitChanges::default())?;
                let root = Directory::Here(opened.root()?);
                rest_of_volume(&root)?;
                drop(root);
                opened.attached.save()?;
            }
        }
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
