//! The functions on paths below a directory.

use larder_core::{DescriptorFlags, Follow, OpenFlags};

use super::context::P1Context;
use super::errno::{Errno, P1Result};
use super::files::{APPEND, DSYNC, FD_READ, FD_WRITE, NONBLOCK, RSYNC, SYNC, new_times, write_attributes};
use super::memory::Guest;

/// `lookupflags`.
pub(super) fn follow(lookup: u32) -> P1Result<Follow> {
    match lookup {
        0 => Ok(Follow::No),
        1 => Ok(Follow::Yes),
        _ => Err(Errno::Inval.into()),
    }
}

/// `path_open`.
pub(super) fn open(
    p1: &mut P1Context,
    fd: u32,
    lookup: u32,
    path: &str,
    open: u32,
    rights: u64,
    flags: u32,
) -> P1Result<u32> {
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
    let descriptor = p1.directory(fd)?.open_at(p1.now(), follow(lookup)?, path, open, wanted)?;
    p1.insert(descriptor, flags & APPEND != 0, flags & NONBLOCK != 0)
}

/// `path_filestat_get`.
pub(super) fn attributes(
    p1: &P1Context,
    guest: &mut Guest<'_>,
    fd: u32,
    lookup: u32,
    path: &str,
    out: u32,
) -> P1Result<()> {
    let directory = p1.directory(fd)?;
    let attributes = directory.stat_at(follow(lookup)?, path)?;
    write_attributes(guest, p1.device(directory), &attributes, out)
}

/// `path_filestat_set_times`.
pub(super) fn set_times(
    p1: &P1Context,
    fd: u32,
    lookup: u32,
    path: &str,
    accessed: u64,
    modified: u64,
    flags: u32,
) -> P1Result<()> {
    let (accessed, modified) = new_times(accessed, modified, flags)?;
    Ok(p1.directory(fd)?.set_times_at(p1.now(), follow(lookup)?, path, accessed, modified)?)
}
