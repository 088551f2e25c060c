//! Open files and directories, the streams on them, and listings, whatever the
//! ABI. Each function asks for the memory that it may need.

mod listing;
mod streams;

use std::cell::Cell;
use std::rc::Rc;

use larder_core::{
    Chunks, DescriptorFlags, Error, ErrorCode, FileType, Follow, MetadataHash, OpenFlags, Result, Source, Timestamp,
};

pub use self::listing::Listing;
pub use self::streams::{Place, Reader, Stopped, Writer, Zeros};
use crate::backend::{self, Descriptor};
use crate::limits::MAX_READ;
use crate::{Clock, headroom};

/// An open description, shared by a descriptor and the streams on it.
#[derive(Clone)]
pub struct OpenFile(Rc<Inner>);

struct Inner {
    /// `None` where the image is damaged, or the imported store away: every
    /// call says so.
    descriptor: Option<Descriptor>,
    /// The store renews the access time at the first read alone: later ones
    /// need not ask the clock.
    read_before: Cell<bool>,
}

impl OpenFile {
    /// Wraps an open description.
    #[must_use]
    pub fn new(descriptor: Descriptor) -> Self {
        Self::of(Some(descriptor))
    }

    fn of(descriptor: Option<Descriptor>) -> Self {
        Self(Rc::new(Inner { descriptor, read_before: Cell::new(false) }))
    }

    /// The root of each mount, with its path. With a damaged image, or a store
    /// that is away, a directory at `/` whose every function fails with `io`.
    ///
    /// # Errors
    /// `quota` and `insufficient-space`, as for any open directory.
    pub fn roots(clock: Clock) -> Result<Vec<(Self, &'static str)>> {
        headroom::for_little("get-directories")?;
        match backend::roots(clock)? {
            Some(roots) => Ok(roots.into_iter().map(|(root, path)| (Self::new(root), path)).collect()),
            None => Ok(vec![(Self::of(None), "/")]),
        }
    }

    /// The open description, for what changes nothing, or removes.
    ///
    /// # Errors
    /// `io` where the image is damaged.
    #[inline]
    pub fn get(&self) -> Result<&Descriptor> {
        self.0.descriptor.as_ref().ok_or_else(|| Error::new(ErrorCode::Io, "start"))
    }

    /// The open description, for what adds names.
    ///
    /// # Errors
    /// As [`get`](Self::get); `insufficient-space` where there is no memory.
    #[inline]
    pub fn for_names(&self, operation: &'static str) -> Result<&Descriptor> {
        headroom::for_names(operation)?;
        self.get()
    }

    /// Opens `path` below this directory. Asks the clock only if that can
    /// change something. A file that is there can be opened, and truncated,
    /// also when there is no memory for a new one.
    ///
    /// # Errors
    /// Those of [`Descriptor::open_at`], and of [`for_names`](Self::for_names).
    pub fn open_at(
        &self,
        clock: Clock,
        follow: Follow,
        path: &str,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Result<Self> {
        let changes = open.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE);
        let now = if changes { clock() } else { Timestamp::UNIX_EPOCH };
        let mut open = open;
        if open.contains(OpenFlags::CREATE)
            && let Err(full) = headroom::for_names("open")
        {
            if open.contains(OpenFlags::EXCLUSIVE) {
                return Err(full);
            }
            open.remove(OpenFlags::CREATE);
            return match self.get()?.open_at(now, follow, path, open, flags) {
                Err(error) if error.code() == ErrorCode::NoEntry => Err(full),
                opened => opened.map(Self::new),
            };
        }
        headroom::for_little("open")?;
        self.get()?.open_at(now, follow, path, open, flags).map(Self::new)
    }

    /// How many bytes a read of `length` at `offset` gives: at most
    /// [`MAX_READ`], 0 at or behind the end of file. Renews the access time
    /// like the read.
    ///
    /// # Errors
    /// Those of the read.
    #[inline]
    pub fn readable(&self, clock: Clock, offset: u64, length: u64) -> Result<usize> {
        let file = self.get()?;
        if file.file_type() == FileType::Directory {
            return Err(Error::new(ErrorCode::IsDirectory, "read"));
        }
        if !file.flags().contains(DescriptorFlags::READ) {
            return Err(Error::new(ErrorCode::BadDescriptor, "read"));
        }
        let length = usize::try_from(length).map_or(MAX_READ, |length| length.min(MAX_READ));
        let readable = backend::readable(file, offset, length)?;
        self.touch(clock);
        Ok(readable)
    }

    /// The inode's identity as a hash.
    ///
    /// # Errors
    /// `io` where the image is damaged.
    pub fn metadata_hash(&self) -> Result<MetadataHash> {
        backend::metadata_hash(self.get()?)
    }

    /// Hands bytes from `offset` to `visitor`, as [`Descriptor::read_with`].
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub fn read_with(&self, offset: u64, length: usize, visitor: impl FnMut(&[u8])) -> Result<usize> {
        self.get()?.read_with(offset, length, visitor)
    }

    /// Writes all of `data` at `offset`, or nothing.
    ///
    /// # Errors
    /// Those of [`Descriptor::write`]; `insufficient-space` where there is no
    /// memory.
    #[inline]
    pub fn write(&self, clock: Clock, offset: u64, data: &dyn Source) -> Result<usize> {
        headroom::for_content(data.len(), "write")?;
        self.get()?.write_from(clock(), offset, data)
    }

    /// Writes all of `data` at the end, or nothing.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn append(&self, clock: Clock, data: &dyn Source) -> Result<usize> {
        headroom::for_content(data.len(), "append")?;
        self.get()?.append_from(clock(), data)
    }

    /// Renews the access time, if this is the first read.
    #[inline]
    pub fn touch(&self, clock: Clock) {
        if !self.0.read_before.get() {
            self.0.read_before.set(true);
            if let Some(file) = &self.0.descriptor {
                file.touch_read(clock());
            }
        }
    }

    /// Refuses a stream that can't work when it is opened, not at its first
    /// use.
    fn can_stream(&self, needed: DescriptorFlags, operation: &'static str) -> Result<()> {
        headroom::for_little(operation)?;
        let file = self.get()?;
        if file.file_type() == FileType::Directory {
            Err(Error::new(ErrorCode::IsDirectory, operation))
        } else if !file.flags().contains(needed) {
            Err(Error::new(ErrorCode::BadDescriptor, operation))
        } else {
            Ok(())
        }
    }
}

/// Bytes that were read, to be written elsewhere without a copy between.
pub struct Pieces(pub Chunks);

#[allow(clippy::indexing_slicing, reason = "the store stays within `0..len()`, and pieces are cut to what remains")]
impl Source for Pieces {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn copy_to(&self, from: usize, out: &mut [u8]) {
        let mut done = 0;
        let length = out.len();
        self.each(from..from + length, |part| {
            out[done..done + part.len()].copy_from_slice(part);
            done += part.len();
        });
    }

    fn append_to(&self, range: std::ops::Range<usize>, out: &mut Vec<u8>) {
        self.each(range, |part| out.extend_from_slice(part));
    }
}

impl Pieces {
    #[allow(clippy::indexing_slicing, reason = "cut to the piece's length")]
    fn each(&self, range: std::ops::Range<usize>, mut visit: impl FnMut(&[u8])) {
        let mut at = 0;
        for piece in self.0.iter() {
            let start = range.start.clamp(at, at + piece.len()) - at;
            let end = range.end.clamp(at, at + piece.len()) - at;
            if start < end {
                visit(&piece[start..end]);
            }
            at += piece.len();
        }
    }
}
