//! Views: which part of a volume somebody is granted, and with what rights.

use std::sync::Arc;

use bitflags::bitflags;

use crate::descriptor::walk::{Target, walk};
use crate::error::Error;
use crate::volume::OpenNode;
use crate::{Descriptor, DescriptorFlags, ErrorCode, Follow, Result, Volume};

bitflags! {
    /// What a view allows. Rights only shrink: nothing that is reached through
    /// a view has more than the view.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Rights: u8 {
        /// Reading content, attributes and directories.
        const READ = 1;
        /// Changing anything.
        const WRITE = 2;
    }
}

impl Rights {
    /// Reading alone.
    pub const READ_ONLY: Self = Self::READ;
    /// Reading and writing.
    pub const READ_WRITE: Self = Self::READ.union(Self::WRITE);
}

/// The part of an absolute path that is below a mount at `mount`, an absolute
/// path as well: `.` for the mount itself, `None` for what is elsewhere.
#[must_use]
pub fn path_below<'p>(mount: &str, path: &'p str) -> Option<&'p str> {
    let rest = path.strip_prefix(mount.trim_end_matches('/'))?;
    match rest.strip_prefix('/') {
        Some(rest) => Some(rest.trim_start_matches('/')).map(|rest| if rest.is_empty() { "." } else { rest }),
        None => rest.is_empty().then_some("."),
    }
}

/// A volume, a directory in it, and rights: what a mount grants. Cloning it is
/// cheap and names the same view.
///
/// Two views are two devices: no rename or hard link goes from one to another,
/// even where they show the same volume.
#[derive(Clone, Debug)]
pub struct View {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Keeps the directory alive, also if its name is removed.
    root: OpenNode,
    rights: Rights,
    /// Where the guest sees the view, without a slash at the end; empty for
    /// `/`. Used for nothing but absolute symlink targets.
    mount_point: Box<str>,
}

impl View {
    /// A view of a whole volume.
    ///
    /// # Errors
    /// `quota` where the volume has no handle left for it.
    pub fn new(volume: &Arc<Volume>, rights: Rights) -> Result<Self> {
        Self::of(volume.open(volume.root())?, rights, "")
    }

    fn of(root: OpenNode, rights: Rights, mount_point: &str) -> Result<Self> {
        Ok(Self { inner: Arc::new(Inner { root, rights, mount_point: mount_point.into() }) })
    }

    /// The same view, seen by the guest at `mount_point` (an absolute path):
    /// an absolute symlink target below it leads into the view, as the guest
    /// that made the link meant it.
    ///
    /// # Errors
    /// `quota` as for [`new`](Self::new).
    pub fn mounted_at(&self, mount_point: &str) -> Result<Self> {
        let root = self.volume().open(self.inner.root.inode())?;
        Self::of(root, self.inner.rights, mount_point.trim_end_matches('/'))
    }

    /// A view of a directory below this one, with `rights` as far as this view
    /// has them.
    ///
    /// # Errors
    /// Those of resolving `path` from the root of this view;
    /// `not-directory` where it names something else.
    pub fn subdirectory(&self, path: &str, rights: Rights) -> Result<Self> {
        let path = path.trim_matches('/');
        let inode = if path.is_empty() {
            self.inner.root.inode().clone()
        } else {
            match walk(self, self.inner.root.inode(), path, Follow::Yes, "open-view")?.target {
                Target::Node(inode) => inode,
                Target::Missing => return Err(Error::new(ErrorCode::NoEntry, "open-view").at(path)),
            }
        };
        if !inode.is_directory() {
            return Err(Error::new(ErrorCode::NotDirectory, "open-view").at(path));
        }
        Self::of(self.volume().open(&inode)?, self.inner.rights & rights, "")
    }

    /// What the view allows.
    #[must_use]
    pub fn rights(&self) -> Rights {
        self.inner.rights
    }

    /// The volume that it shows.
    #[must_use]
    pub fn volume(&self) -> &Arc<Volume> {
        self.inner.root.volume()
    }

    /// A descriptor of the view's directory, with all that the view allows.
    ///
    /// # Errors
    /// `quota` where the volume has no handle left for it.
    pub fn root(&self) -> Result<Descriptor> {
        let node = self.volume().open(self.inner.root.inode())?;
        let mutable = self.inner.rights.contains(Rights::WRITE);
        let mut flags = DescriptorFlags::empty();
        flags.set(DescriptorFlags::READ, self.inner.rights.contains(Rights::READ));
        flags.set(DescriptorFlags::MUTATE_DIRECTORY, mutable);
        Ok(Descriptor::new(self.clone(), node, flags, mutable))
    }

    pub(crate) fn root_inode(&self) -> &Arc<crate::inode::Inode> {
        self.inner.root.inode()
    }

    /// The part of an absolute symlink target that is resolved from the root
    /// of this view.
    pub(crate) fn inside<'t>(&self, target: &'t str) -> &'t str {
        let below =
            target.strip_prefix(&*self.inner.mount_point).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        below.unwrap_or(target)
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}
