//! An image that is read.

use std::sync::Arc;

use bytes::Bytes;
use larder_core::{
    DescriptorFlags, ErrorCode, Follow, Limits, OpenFlags, Result, Rights, Timestamp, TreeTotals, View, Volume,
    VolumeOptions,
};

use crate::checksum::checksum;
use crate::layout::{HEADER_BYTES, KNOWN_FEATURES, MAGIC, MOST_CHARGED_FOR_A_BYTE, VERSION, header};
use crate::options::{Arguments, Environment, Inherit, Mount, Options, VolumeSpec};
use crate::read::{Cursor, range, u32_at, u64_at};
use crate::{ImageError, PackedTree};

/// An image: options, and a tree for some of the volumes. Trees are not read
/// before they are used.
#[derive(Clone, Debug, Default)]
pub struct Image {
    options: Options,
    /// One for each volume.
    trees: Vec<Option<PackedTree>>,
    bytes: Bytes,
}

/// A mount of a running component.
#[derive(Clone, Debug)]
pub struct OpenMount {
    /// Where the guest sees it.
    pub guest_path: String,
    /// What it grants.
    pub view: View,
}

impl Image {
    /// Reads the header and the options. `bytes` are kept, and shared with the
    /// volumes: `&'static [u8]` or `Vec<u8>` come without a copy.
    ///
    /// # Errors
    /// Where they are no image, a damaged one, or one of a newer Larder.
    /// Damage in a tree shows when the tree is used; [`verify`](Self::verify)
    /// looks for it.
    pub fn parse(bytes: impl Into<Bytes>) -> Result<Self, ImageError> {
        let bytes = bytes.into();
        let head = bytes.first_chunk::<HEADER_BYTES>().ok_or(ImageError::NoImage)?;
        check_header(head)?;
        if u64_at(head, header::LENGTH) != bytes.len() as u64 {
            return Err(ImageError::Damaged("its length"));
        }
        let section = range(&bytes, u64_at(head, header::OPTIONS), u64_at(head, header::OPTIONS_LENGTH));
        let section = section.and_then(|range| bytes.get(range)).ok_or(ImageError::Damaged("the options' place"))?;
        if checksum(section) != u32_at(head, header::OPTIONS_CHECKSUM) {
            return Err(ImageError::Damaged("the checksum of the options is wrong"));
        }
        let (options, trees) = read_options(section, &bytes)?;
        options.check()?;
        Ok(Self { options, trees, bytes })
    }

    /// What holds without an image.
    #[must_use]
    pub fn default_options() -> Options {
        Options::default()
    }

    /// All that is not a tree.
    #[must_use]
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// The tree that a volume starts from; `None` for an empty one.
    #[must_use]
    pub fn tree(&self, volume: usize) -> Option<&PackedTree> {
        self.trees.get(volume)?.as_ref()
    }

    /// Bytes of the whole image.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are no bytes: the default image.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Makes a volume as the image describes it. Takes the same time whatever
    /// its tree holds. `generation` tells apart two lives of the component.
    ///
    /// # Errors
    /// `invalid` where there is no such volume; `io` where the tree is
    /// damaged.
    pub fn open_volume(&self, index: usize, generation: u64) -> Result<Arc<Volume>> {
        let no_volume = || larder_core::Error::new(ErrorCode::Invalid, "open-volume");
        let spec = self.options.volumes.get(index).ok_or_else(no_volume)?;
        let options = VolumeOptions {
            name: spec.name.clone(),
            limits: spec.limits.clone(),
            generation,
            now: self.options.composed,
        };
        match self.tree(index) {
            None => Ok(Volume::new(options)),
            Some(tree) => Volume::from_tree(options, Arc::new(tree.clone())),
        }
    }

    /// Makes all volumes, and the directories that mounts name; returns the
    /// mounts, in their order.
    ///
    /// # Errors
    /// Those of [`open_volume`](Self::open_volume); those of making a
    /// directory, such as `not-directory` where a file has its name.
    pub fn open(&self, generation: u64) -> Result<Vec<OpenMount>> {
        let volumes = (0..self.options.volumes.len()).map(|index| self.open_volume(index, generation));
        let volumes = volumes.collect::<Result<Vec<_>>>()?;
        let no_volume = || larder_core::Error::new(ErrorCode::Invalid, "open-volume");
        let mut mounts = Vec::with_capacity(self.options.mounts.len());
        for mount in &self.options.mounts {
            let volume = volumes.get(mount.volume as usize).ok_or_else(no_volume)?;
            let whole = View::new(volume, Rights::READ_WRITE)?;
            make_directories(&whole, &mount.directory, self.options.composed)?;
            let view = whole.subdirectory(&mount.directory, mount.rights)?.mounted_at(&mount.guest_path)?;
            mounts.push(OpenMount { guest_path: mount.guest_path.clone(), view });
        }
        Ok(mounts)
    }

    /// Reads everything: the checksum of the trees, and every directory. Takes
    /// time in the image's length.
    ///
    /// # Errors
    /// [`ImageError::Damaged`].
    pub fn verify(&self) -> Result<(), ImageError> {
        let Some(head) = self.bytes.first_chunk::<HEADER_BYTES>() else { return Ok(()) };
        let length = u64_at(head, header::OPTIONS).saturating_sub(HEADER_BYTES as u64);
        let body = range(&self.bytes, HEADER_BYTES as u64, length).and_then(|range| self.bytes.get(range));
        if body.map(checksum) != Some(u32_at(head, header::BODY_CHECKSUM)) {
            return Err(ImageError::Damaged("the checksum of the trees is wrong"));
        }
        for index in 0..self.options.volumes.len() {
            let volume = self.open_volume(index, 1).map_err(|_| ImageError::Damaged("a tree"))?;
            volume.list_all().map_err(|_| ImageError::Damaged("a directory"))?;
            if volume.recount() != volume.usage() {
                return Err(ImageError::Damaged("the totals of a tree"));
            }
        }
        Ok(())
    }
}

/// Makes `path` and what is missing above it.
fn make_directories(view: &View, path: &str, now: Timestamp) -> Result<()> {
    let mut here = view.root()?;
    for name in path.split('/').filter(|name| !name.is_empty()) {
        let open = |from: &larder_core::Descriptor| {
            from.open_at(now, Follow::Yes, name, OpenFlags::DIRECTORY, DescriptorFlags::READ)
        };
        let below = match open(&here) {
            Err(error) if error.code() == ErrorCode::NoEntry => {
                here.create_directory_at(now, name)?;
                open(&here)?
            }
            found => found?,
        };
        here = below;
    }
    Ok(())
}

/// Checks the header. The checksum comes before the version, so that damage is
/// not mistaken for a new version.
fn check_header(head: &[u8; HEADER_BYTES]) -> Result<(), ImageError> {
    if !head.starts_with(&MAGIC) {
        return Err(ImageError::NoImage);
    }
    let checked = head.get(..header::CHECKSUM).unwrap_or_default();
    if checksum(checked) != u32_at(head, header::CHECKSUM) {
        return Err(ImageError::Damaged("the checksum of the header is wrong"));
    }
    let found = u32_at(head, header::VERSION);
    if found == 0 || found > VERSION {
        return Err(ImageError::UnsupportedVersion { found, supported: VERSION });
    }
    let unknown = u32_at(head, header::INCOMPATIBLE) & !KNOWN_FEATURES;
    if unknown != 0 {
        return Err(ImageError::UnsupportedFeatures { unknown });
    }
    Ok(())
}

type Read = (Options, Vec<Option<PackedTree>>);

fn read_options(section: &[u8], image: &Bytes) -> Result<Read, ImageError> {
    let mut cursor = Cursor::new(section);
    let composed = Timestamp { seconds: cursor.i64()?, nanoseconds: cursor.u32()? };
    let volumes = cursor.list(|cursor| read_volume(cursor, image))?;
    let mounts = cursor.list(read_mount)?;
    let inherit = match cursor.u8()? {
        0 => Inherit::None,
        1 => Inherit::All,
        2 => Inherit::Only(cursor.list(Cursor::string)?),
        _ => return Err(ImageError::Damaged("what is inherited of the environment")),
    };
    let set = cursor.list(|cursor| Ok((cursor.string()?, cursor.string()?)))?;
    let arguments = match cursor.u8()? {
        0 => Arguments::Host,
        1 => Arguments::Baked(cursor.list(Cursor::string)?),
        _ => return Err(ImageError::Damaged("the arguments")),
    };
    let initial_directory = match cursor.u8()? {
        0 => None,
        1 => Some(cursor.string()?),
        _ => return Err(ImageError::Damaged("the initial directory")),
    };
    if !cursor.is_at_end() {
        return Err(ImageError::Damaged("more behind the options"));
    }
    let (volumes, trees) = volumes.into_iter().unzip();
    let environment = Environment { inherit, set };
    Ok((Options { volumes, mounts, environment, arguments, initial_directory, composed }, trees))
}

fn read_volume(cursor: &mut Cursor<'_>, image: &Bytes) -> Result<(VolumeSpec, Option<PackedTree>), ImageError> {
    let name = cursor.string()?;
    let limits = Limits {
        bytes: cursor.u64()?,
        inodes: cursor.u64()?,
        file_bytes: cursor.u64()?,
        directory_entries: cursor.u64()?,
        open_handles: cursor.u64()?,
        links: cursor.u64()?,
        name_bytes: cursor.u32()?,
        path_bytes: cursor.u32()?,
        symlink_depth: cursor.u32()?,
    };
    let tree = match cursor.u8()? {
        0 => None,
        1 => Some(read_tree(cursor, image)?),
        _ => return Err(ImageError::Damaged("a volume's tree")),
    };
    Ok((VolumeSpec { name, limits }, tree))
}

fn read_tree(cursor: &mut Cursor<'_>, image: &Bytes) -> Result<PackedTree, ImageError> {
    let nodes = cursor.u64()?;
    let totals = TreeTotals { bytes: cursor.u64()?, inodes: cursor.u64()? };
    if totals.bytes > MOST_CHARGED_FOR_A_BYTE.saturating_mul(image.len() as u64) {
        return Err(ImageError::Damaged("the total of a tree"));
    }
    PackedTree::new(image.clone(), nodes, totals).ok_or(ImageError::Damaged("a tree's place"))
}

fn read_mount(cursor: &mut Cursor<'_>) -> Result<Mount, ImageError> {
    Ok(Mount {
        guest_path: cursor.string()?,
        volume: cursor.u32()?,
        directory: cursor.string()?,
        rights: Rights::from_bits(cursor.u8()?).ok_or(ImageError::Damaged("a mount's rights"))?,
    })
}
