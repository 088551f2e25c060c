//! What is open, and where: files of volumes in this module's own memory, or,
//! with the feature `forward`, files of an imported store. Both have
//! descriptors with the same methods; here is the little that differs.

pub use self::kind::*;

#[cfg(not(feature = "forward"))]
mod kind {
    use larder_core::{Follow, LockOwner, MetadataHash, Result};

    pub use larder_core::Descriptor;

    use crate::{Clock, start};

    /// A descriptor of the root of each mount, and its path; `None` where the
    /// image is damaged.
    pub(crate) fn roots(clock: Clock) -> Result<Option<Vec<(Descriptor, &'static str)>>> {
        let Ok(mounts) = start::mounts(clock) else { return Ok(None) };
        let root = |mount: &'static larder_image::OpenMount| Ok((mount.view.root()?, mount.guest_path.as_str()));
        mounts.iter().map(root).collect::<Result<_>>().map(Some)
    }

    /// How many bytes a read of `length` at `offset` gives.
    #[inline]
    pub(crate) fn readable(file: &Descriptor, offset: u64, length: usize) -> Result<usize> {
        let left = file.size()?.saturating_sub(offset);
        Ok(usize::try_from(left).map_or(length, |left| left.min(length)))
    }

    /// What is written is in the store: there is nothing to flush.
    #[inline]
    pub(crate) fn flush(_: &Descriptor) -> Result<()> {
        Ok(())
    }

    pub(crate) fn metadata_hash(file: &Descriptor) -> Result<MetadataHash> {
        Ok(file.metadata_hash())
    }

    thread_local! {
        /// The one guest of this module.
        static GUEST: LockOwner = LockOwner::new();
    }

    pub(crate) fn try_lock(file: &Descriptor, clock: Clock, is_shared: bool) -> Result<u64> {
        file.try_lock(clock(), GUEST.with(|guest| *guest), is_shared)
    }

    pub(crate) fn unlock(file: &Descriptor) -> Result<()> {
        file.unlock(GUEST.with(|guest| *guest));
        Ok(())
    }

    pub(crate) fn version(directory: &Descriptor, path: &str) -> Result<u64> {
        directory.stat_at(Follow::Yes, path).map(|attributes| attributes.version)
    }
}

#[cfg(feature = "forward")]
mod kind {
    use std::cell::Cell;

    use larder_core::{MetadataHash, Result};

    pub use larder_forward::{Descriptor, settle};

    use crate::Clock;

    thread_local! {
        static WRITE_BEHIND: Cell<bool> = const { Cell::new(false) };
    }

    /// Says that [`settle`] is called at the end of each of the app's turns, so
    /// that writes may wait until then. Counts before the first root is asked
    /// for.
    pub fn allow_write_behind() {
        WRITE_BEHIND.set(true);
    }

    /// A descriptor of each directory that the store grants, and its path;
    /// `None` where the store is away.
    pub(crate) fn roots(_: Clock) -> Result<Option<Vec<(Descriptor, &'static str)>>> {
        match larder_forward::roots(WRITE_BEHIND.get()) {
            Ok(roots) => Ok(Some(roots)),
            Err(error) if error.code() == larder_core::ErrorCode::Io => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How many bytes a read of `length` at `offset` gives.
    pub(crate) fn readable(file: &Descriptor, offset: u64, length: usize) -> Result<usize> {
        file.readable(offset, length)
    }

    /// Reports what was deferred and failed.
    pub(crate) fn flush(file: &Descriptor) -> Result<()> {
        file.flush()
    }

    pub(crate) fn metadata_hash(file: &Descriptor) -> Result<MetadataHash> {
        file.metadata_hash()
    }

    pub(crate) fn try_lock(file: &Descriptor, _: Clock, is_shared: bool) -> Result<u64> {
        file.try_lock(is_shared)
    }

    pub(crate) fn unlock(file: &Descriptor) -> Result<()> {
        file.unlock()
    }

    pub(crate) fn version(directory: &Descriptor, path: &str) -> Result<u64> {
        directory.version_at(path)
    }
}
