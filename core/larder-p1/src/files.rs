//! The functions on open files that move no content.

use larder_core::{SetTime, Timestamp};

use crate::memory::{Memory, Values as _};
use crate::numbers::{APPEND, DSYNC, NONBLOCK, RSYNC, SYNC};
use crate::process::Fd;
use crate::status::synchronous;
use crate::{Errno, Failure, Host, Need, P1Result, Process};

impl<H: Host> Process<H> {
    /// `fd_seek`.
    ///
    /// # Errors
    /// `Inval`, `SPipe`, `Badf`.
    pub fn fd_seek(&mut self, memory: &mut impl Memory, fd: u32, offset: i64, whence: u32, out: u32) -> P1Result<()> {
        self.seekable(fd)?;
        let Fd::File(file) = self.get_mut(fd)? else { return Err(Errno::Badf.into()) };
        let base = match whence {
            0 => 0,
            1 => file.position,
            2 => file.descriptor.stat()?.size,
            _ => return Err(Errno::Inval.into()),
        };
        let position = base.checked_add_signed(offset).filter(|position| i64::try_from(*position).is_ok());
        file.position = position.ok_or(Errno::Inval)?;
        memory.write_u64(out, file.position)
    }

    /// `fd_tell`.
    ///
    /// # Errors
    /// As [`fd_seek`](Self::fd_seek).
    pub fn fd_tell(&self, memory: &mut impl Memory, fd: u32, out: u32) -> P1Result<()> {
        memory.write_u64(out, self.seekable(fd)?.position)
    }

    /// `fd_sync`.
    ///
    /// # Errors
    /// `Badf`, and those of the store.
    pub fn fd_sync(&self, fd: u32) -> P1Result<()> {
        Ok(self.descriptor(fd)?.sync()?)
    }

    /// `fd_datasync`.
    ///
    /// # Errors
    /// As [`fd_sync`](Self::fd_sync).
    pub fn fd_datasync(&self, fd: u32) -> P1Result<()> {
        Ok(self.descriptor(fd)?.sync_data()?)
    }

    /// `fd_advise`.
    ///
    /// # Errors
    /// `Inval`, `SPipe`, `Badf`.
    pub fn fd_advise(&self, fd: u32, offset: u64, length: u64, advice: u32) -> P1Result<()> {
        // normal, sequential, random, will-need, dont-need, no-reuse
        if advice > 5 {
            return Err(Errno::Inval.into());
        }
        Ok(self.seekable(fd)?.descriptor.advise(offset, length)?)
    }

    /// `fd_allocate`, which the store does not have.
    ///
    /// # Errors
    /// Always: `NotSup`, or `Badf`.
    pub fn fd_allocate(&self, fd: u32) -> P1Result<()> {
        self.descriptor(fd).and(Err(Errno::NotSup.into()))
    }

    /// `fd_fdstat_set_flags`: append and nonblock can change.
    ///
    /// # Errors
    /// `NotSup`, `Inval`, `Badf`.
    pub fn fd_fdstat_set_flags(&mut self, fd: u32, flags: u32) -> P1Result<()> {
        match self.get_mut(fd)? {
            Fd::File(file) => {
                // What the file was opened with stays; asking for it is no change.
                if flags & (SYNC | DSYNC | RSYNC) & !synchronous(&file.descriptor) != 0 {
                    return Err(Errno::NotSup.into());
                }
                file.append = flags & APPEND != 0;
                file.nonblocking = flags & NONBLOCK != 0;
                Ok(())
            }
            Fd::Directory { .. } if flags & !NONBLOCK == 0 => Ok(()),
            Fd::Directory { .. } => Err(Errno::Inval.into()),
            Fd::Input | Fd::Output(_) => Err(Errno::Badf.into()),
        }
    }

    /// `fd_fdstat_set_rights`: rights are those of the mount and of the open.
    ///
    /// # Errors
    /// Always: `NotSup`, or `Badf`.
    pub fn fd_fdstat_set_rights(&self, fd: u32) -> P1Result<()> {
        self.get(fd).and(Err(Errno::NotSup.into()))
    }

    /// `fd_filestat_set_size`.
    ///
    /// # Errors
    /// `Badf`, `IsDir`, and those of the store.
    pub fn fd_filestat_set_size(&self, fd: u32, size: u64) -> P1Result<()> {
        let file = self.file_descriptor(fd)?;
        if size > file.stat()?.size {
            // A chunk that is there may grow; what is added besides is a hole.
            self.host.admit(Need::Content(0))?;
        }
        Ok(file.set_size(self.now(), size)?)
    }

    /// `fd_filestat_set_times`.
    ///
    /// # Errors
    /// `Inval`, `Badf`, and those of the store.
    pub fn fd_filestat_set_times(&self, fd: u32, accessed: u64, modified: u64, flags: u32) -> P1Result<()> {
        let (accessed, modified) = new_times(accessed, modified, flags)?;
        Ok(self.descriptor(fd)?.set_times(self.now(), accessed, modified)?)
    }
}

/// The new times that the flags of a `set_times` function ask for.
pub(crate) fn new_times(accessed: u64, modified: u64, flags: u32) -> P1Result<(SetTime, SetTime)> {
    let choose = |given: bool, now: bool, time: u64| match (given, now) {
        (false, false) => Ok(SetTime::Keep),
        (true, false) => {
            let second = u64::from(Timestamp::NANOSECONDS);
            let seconds = i64::try_from(time / second).map_err(|_| Errno::Inval)?;
            let nanoseconds = u32::try_from(time % second).map_err(|_| Errno::Inval)?;
            Ok(SetTime::At(Timestamp { seconds, nanoseconds }))
        }
        (false, true) => Ok(SetTime::Now),
        (true, true) => Err(Failure::from(Errno::Inval)),
    };
    let bit = |bit: u32| flags & (1 << bit) != 0;
    Ok((choose(bit(0), bit(1), accessed)?, choose(bit(2), bit(3), modified)?))
}
