//! The functions on paths below a directory.

use larder_core::{DescriptorFlags, ErrorCode, Follow, OpenFlags, Timestamp};

use crate::files::new_times;
use crate::memory::{Memory, Values as _};
use crate::numbers::{APPEND, DSYNC, FD_READ, FD_WRITE, NONBLOCK, RSYNC, SYNC, length};
use crate::status::write_attributes;
use crate::{Errno, Host, Need, P1Result, Process};

/// `lookupflags`.
fn follow(lookup: u32) -> P1Result<Follow> {
    match lookup {
        0 => Ok(Follow::No),
        1 => Ok(Follow::Yes),
        _ => Err(Errno::Inval.into()),
    }
}

#[allow(clippy::too_many_arguments, reason = "the interface's parameters")]
impl<H: Host> Process<H> {
    /// `path_open`. `rights` are the base rights; those that are inherited
    /// mean nothing here.
    ///
    /// # Errors
    /// `Inval`, `NotDir`, `MFile`, and those of the store.
    pub fn path_open(
        &mut self,
        memory: &mut impl Memory,
        fd: u32,
        lookup: u32,
        path: u32,
        path_length: u32,
        open: u32,
        rights: u64,
        flags: u32,
        out: u32,
    ) -> P1Result<()> {
        let path = memory.path(path, path_length)?;
        let open = u8::try_from(open).ok().and_then(OpenFlags::from_bits).ok_or(Errno::Inval)?;
        let wanted: DescriptorFlags = [
            (rights & FD_READ != 0, DescriptorFlags::READ),
            (rights & FD_WRITE != 0, DescriptorFlags::WRITE),
            (flags & SYNC != 0, DescriptorFlags::FILE_INTEGRITY_SYNC),
            (flags & DSYNC != 0, DescriptorFlags::DATA_INTEGRITY_SYNC),
            (flags & RSYNC != 0, DescriptorFlags::REQUESTED_WRITE_SYNC),
        ]
        .into_iter()
        .filter_map(|(set, flag)| set.then_some(flag))
        .collect();
        let directory = self.directory(fd)?;
        let follow = follow(lookup)?;
        // The clock is asked only where the open can change something.
        let changes = open.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE);
        let now = if changes { self.now() } else { Timestamp::UNIX_EPOCH };
        let descriptor = match self.host.admit(Need::Names) {
            Ok(()) => directory.open_at(now, follow, &path, open, wanted)?,
            Err(full) => {
                // What is there can be opened, and truncated, without memory
                // for a new file.
                if open.contains(OpenFlags::EXCLUSIVE) {
                    return Err(full.into());
                }
                match directory.open_at(now, follow, &path, open.difference(OpenFlags::CREATE), wanted) {
                    Err(error) if error.code() == ErrorCode::NoEntry && open.contains(OpenFlags::CREATE) => {
                        return Err(full.into());
                    }
                    opened => opened?,
                }
            }
        };
        let opened = self.insert(descriptor, flags & APPEND != 0, flags & NONBLOCK != 0)?;
        memory.write_u32(out, opened)
    }

    /// `path_filestat_get`.
    ///
    /// # Errors
    /// `Inval`, `NotDir`, and those of the store.
    pub fn path_filestat_get(
        &self,
        memory: &mut impl Memory,
        fd: u32,
        lookup: u32,
        path: u32,
        path_length: u32,
        out: u32,
    ) -> P1Result<()> {
        let path = memory.path(path, path_length)?;
        let directory = self.directory(fd)?;
        let attributes = directory.stat_at(follow(lookup)?, &path)?;
        write_attributes(memory, self.device(directory), &attributes, out)
    }

    /// `path_filestat_set_times`.
    ///
    /// # Errors
    /// As [`path_filestat_get`](Self::path_filestat_get).
    pub fn path_filestat_set_times(
        &self,
        memory: &impl Memory,
        fd: u32,
        lookup: u32,
        path: u32,
        path_length: u32,
        accessed: u64,
        modified: u64,
        flags: u32,
    ) -> P1Result<()> {
        let path = memory.path(path, path_length)?;
        let (accessed, modified) = new_times(accessed, modified, flags)?;
        Ok(self.directory(fd)?.set_times_at(self.now(), follow(lookup)?, &path, accessed, modified)?)
    }

    /// `path_create_directory`.
    ///
    /// # Errors
    /// `NotDir`, and those of the store.
    pub fn path_create_directory(&self, memory: &impl Memory, fd: u32, path: u32, path_length: u32) -> P1Result<()> {
        let path = memory.path(path, path_length)?;
        Ok(self.directory_for_names(fd)?.create_directory_at(self.now(), &path)?)
    }

    /// `path_remove_directory`.
    ///
    /// # Errors
    /// As [`path_create_directory`](Self::path_create_directory).
    pub fn path_remove_directory(&self, memory: &impl Memory, fd: u32, path: u32, path_length: u32) -> P1Result<()> {
        let path = memory.path(path, path_length)?;
        Ok(self.directory(fd)?.remove_directory_at(self.now(), &path)?)
    }

    /// `path_unlink_file`.
    ///
    /// # Errors
    /// As [`path_create_directory`](Self::path_create_directory).
    pub fn path_unlink_file(&self, memory: &impl Memory, fd: u32, path: u32, path_length: u32) -> P1Result<()> {
        let path = memory.path(path, path_length)?;
        Ok(self.directory(fd)?.unlink_file_at(self.now(), &path)?)
    }

    /// `path_rename`.
    ///
    /// # Errors
    /// As [`path_create_directory`](Self::path_create_directory).
    pub fn path_rename(
        &self,
        memory: &impl Memory,
        fd: u32,
        path: u32,
        path_length: u32,
        new_fd: u32,
        new_path: u32,
        new_length: u32,
    ) -> P1Result<()> {
        let (path, new_path) = (memory.path(path, path_length)?, memory.path(new_path, new_length)?);
        Ok(self.directory_for_names(fd)?.rename_at(self.now(), &path, self.directory(new_fd)?, &new_path)?)
    }

    /// `path_link`.
    ///
    /// # Errors
    /// As [`path_create_directory`](Self::path_create_directory).
    pub fn path_link(
        &self,
        memory: &impl Memory,
        fd: u32,
        lookup: u32,
        path: u32,
        path_length: u32,
        new_fd: u32,
        new_path: u32,
        new_length: u32,
    ) -> P1Result<()> {
        let (path, new_path) = (memory.path(path, path_length)?, memory.path(new_path, new_length)?);
        let follow = follow(lookup)?;
        let directory = self.directory_for_names(fd)?;
        Ok(directory.link_at(self.now(), follow, &path, self.directory(new_fd)?, &new_path)?)
    }

    /// `path_symlink`.
    ///
    /// # Errors
    /// As [`path_create_directory`](Self::path_create_directory).
    pub fn path_symlink(
        &self,
        memory: &impl Memory,
        target: u32,
        target_length: u32,
        fd: u32,
        path: u32,
        path_length: u32,
    ) -> P1Result<()> {
        let (target, path) = (memory.path(target, target_length)?, memory.path(path, path_length)?);
        Ok(self.directory_for_names(fd)?.symlink_at(self.now(), &target, &path)?)
    }

    /// `path_readlink`. The target is cut to the buffer, as readlink(2) does.
    ///
    /// # Errors
    /// As [`path_create_directory`](Self::path_create_directory).
    pub fn path_readlink(
        &self,
        memory: &mut impl Memory,
        fd: u32,
        path: u32,
        path_length: u32,
        buffer: u32,
        capacity: u32,
        out: u32,
    ) -> P1Result<()> {
        let path = memory.path(path, path_length)?;
        let target = self.directory(fd)?.readlink_at(&path)?;
        let shown = target.as_bytes();
        let shown = shown.get(..shown.len().min(capacity as usize)).unwrap_or_default();
        memory.write(buffer, shown)?;
        memory.write_u32(out, length(shown))
    }
}
