//! Content through a descriptor: access modes and synchronous writes.

use super::{Descriptor, DescriptorFlags};
use crate::error::During;
use crate::{Chunks, Context, Error, ErrorCode, OperationKind, Result, Source, Timestamp};

impl Descriptor {
    /// Shares up to `length` bytes from `offset`; empty at or behind the end
    /// of file. At most 16 MiB for one call.
    ///
    /// # Errors
    /// `bad-descriptor` where it is not open for reading, `is-directory`.
    pub fn read(&self, offset: u64, length: usize) -> Result<Chunks> {
        let volume = self.view.volume();
        volume.counting_bytes(
            OperationKind::Read,
            |chunks: &Chunks| chunks.len() as u64,
            || {
                self.check_file("read", DescriptorFlags::READ)?;
                volume.read(self.inode(), offset, length)
            },
        )
    }

    /// Copies bytes from `offset` into `buffer` and returns how many; 0 at or
    /// behind the end of file.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_into(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        self.transferring(OperationKind::Read, || {
            self.check_file("read", DescriptorFlags::READ)?;
            self.view.volume().read_into(self.inode(), offset, buffer)
        })
    }

    /// Hands the bytes from `offset`, at most `length`, to `visitor`: in order,
    /// in pieces that are not empty and that lie in the store. Returns how many
    /// bytes there were; 0 at or behind the end of file.
    ///
    /// The visitor runs with the file's lock held: it copies, and never comes
    /// back to the volume.
    ///
    /// # Errors
    /// As [`read`](Self::read), and then the visitor was not called.
    pub fn read_with(&self, offset: u64, length: usize, mut visitor: impl FnMut(&[u8])) -> Result<usize> {
        self.transferring(OperationKind::Read, || {
            self.check_file("read", DescriptorFlags::READ)?;
            self.view.volume().visit(self.inode(), offset, length, &mut visitor)
        })
    }

    /// The file's length in bytes, without the rest of the attributes.
    ///
    /// # Errors
    /// `is-directory` for a directory.
    pub fn size(&self) -> Result<u64> {
        Ok(self.inode().read().file().during("size")?.len())
    }

    /// Renews the access time, once for each descriptor and as `relatime`
    /// does; does nothing in a view that may not be written.
    pub fn touch_read(&self, now: Timestamp) {
        if self.first_read() && self.view.rights().contains(crate::Rights::WRITE) {
            self.view.volume().touch_read(self.inode(), now);
        }
    }

    /// Writes all of `data` at `offset` or nothing; returns its length.
    ///
    /// # Errors
    /// `bad-descriptor` where it is not open for writing, `file-too-large`,
    /// `insufficient-space`.
    pub fn write(&self, now: Timestamp, offset: u64, data: &[u8]) -> Result<usize> {
        self.write_from(now, offset, &data)
    }

    /// As [`write`](Self::write), from wherever the bytes are.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_from(&self, now: Timestamp, offset: u64, data: &dyn Source) -> Result<usize> {
        self.transferring(OperationKind::Write, || {
            self.check_file("write", DescriptorFlags::WRITE)?;
            self.view.volume().write(&Context::at(now), self.inode(), offset, data)?;
            self.written().map(|()| data.len())
        })
    }

    /// Writes all of `data` at the end of file or nothing, atomically between
    /// appends; returns its length.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn append(&self, now: Timestamp, data: &[u8]) -> Result<usize> {
        self.append_from(now, &data)
    }

    /// As [`append`](Self::append), from wherever the bytes are.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn append_from(&self, now: Timestamp, data: &dyn Source) -> Result<usize> {
        self.transferring(OperationKind::Append, || {
            self.check_file("append", DescriptorFlags::WRITE)?;
            self.view.volume().append(&Context::at(now), self.inode(), data)?;
            self.written().map(|()| data.len())
        })
    }

    /// Sets the file's length; what is added reads as zeros.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn set_size(&self, now: Timestamp, size: u64) -> Result<()> {
        self.counting(OperationKind::SetSize, || {
            self.check_file("set-size", DescriptorFlags::WRITE)?;
            self.view.volume().set_size(&Context::at(now), self.inode(), size)?;
            self.written()
        })
    }

    /// Counts an operation that answers how many bytes it read or wrote.
    #[inline]
    fn transferring(&self, kind: OperationKind, act: impl FnOnce() -> Result<usize>) -> Result<usize> {
        self.view.volume().counting_bytes(kind, |length| *length as u64, act)
    }

    /// A write is done: makes it durable if the descriptor asks for that.
    fn written(&self) -> Result<()> {
        let durable = DescriptorFlags::FILE_INTEGRITY_SYNC.union(DescriptorFlags::DATA_INTEGRITY_SYNC);
        if self.flags.intersects(durable) { self.view.volume().sync() } else { Ok(()) }
    }

    fn check_file(&self, operation: &'static str, needed: DescriptorFlags) -> Result<()> {
        if self.inode().is_directory() {
            return Err(Error::new(ErrorCode::IsDirectory, operation));
        }
        self.check(needed, operation)
    }
}
