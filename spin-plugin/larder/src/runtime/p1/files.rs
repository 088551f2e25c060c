//! The functions on open files.

use larder_core::{Attributes, Descriptor, DescriptorFlags, FileType, SetTime, Timestamp};

use super::context::{Fd, OpenFile, P1Context};
use super::errno::{Errno, Failure, P1Result};
use super::memory::{Guest, Piece, length};
use super::{Call, finish, memory_of};

/// `fdflags`.
pub(super) const APPEND: u32 = 1;
pub(super) const DSYNC: u32 = 1 << 1;
pub(super) const NONBLOCK: u32 = 1 << 2;
pub(super) const RSYNC: u32 = 1 << 3;
pub(super) const SYNC: u32 = 1 << 4;

/// `filetype`.
const UNKNOWN: u8 = 0;
const CHARACTER_DEVICE: u8 = 2;

/// `rights`.
const FD_DATASYNC: u64 = 1;
pub(super) const FD_READ: u64 = 1 << 1;
const FD_SEEK: u64 = 1 << 2;
const FD_TELL: u64 = 1 << 5;
pub(super) const FD_WRITE: u64 = 1 << 6;
const FD_ALLOCATE: u64 = 1 << 8;
const FD_READDIR: u64 = 1 << 14;
const FD_FILESTAT_SET_SIZE: u64 = 1 << 22;
const PATH_FILESTAT_SET_SIZE: u64 = 1 << 19;
/// The rights up to `path_unlink_file` and `poll_fd_readwrite`, without those
/// of sockets.
const ALL_RIGHTS: u64 = (1 << 28) - 1;
/// What means something for a file only.
const FILE_RIGHTS: u64 =
    FD_DATASYNC | FD_READ | FD_SEEK | FD_TELL | FD_WRITE | FD_ALLOCATE | FD_FILESTAT_SET_SIZE | PATH_FILESTAT_SET_SIZE;

/// Bytes read or written in one call, at most: more is answered with this much,
/// which the interface allows. Bounds the time of one call.
const MAX_TRANSFER: u64 = 64 << 20;

/// `filetype` of an inode.
pub(super) fn file_type(file_type: FileType) -> u8 {
    match file_type {
        FileType::Directory => 3,
        FileType::RegularFile => 4,
        FileType::SymbolicLink => 7,
    }
}

/// `fd_read`. Asynchronous, since standard input may have nothing yet.
pub(super) async fn read(mut caller: Call<'_>, fd: u32, list: u32, count: u32, out: u32) -> wasmtime::Result<u32> {
    if matches!(caller.data().p1.get(fd), Ok(Fd::Input))
        && let Err(error) = caller.data_mut().p1.input.ready().await
    {
        return finish(Err(error.into()));
    }
    let memory = memory_of(&mut caller)?;
    let (bytes, host) = memory.data_and_store_mut(&mut caller);
    let mut guest = Guest::new(bytes);
    finish(read_now(&mut host.p1, &mut guest, fd, list, count, out))
}

fn read_now(p1: &mut P1Context, guest: &mut Guest<'_>, fd: u32, list: u32, count: u32, out: u32) -> P1Result<()> {
    let now = p1.now();
    let pieces = guest.pieces(list, count)?;
    let total = match p1.get_mut(fd)? {
        Fd::File(file) => {
            let total = fill(guest, &file.descriptor, file.position, &pieces)?;
            file.position += u64::from(total);
            file.descriptor.touch_read(now);
            total
        }
        Fd::Input => {
            let mut total = 0;
            for piece in &pieces {
                let taken = p1.input.take(piece.length as usize);
                guest.write(piece.address, &taken)?;
                total += length(&taken);
                if p1.input.available() == 0 {
                    break;
                }
            }
            total
        }
        Fd::Directory { .. } => return Err(Errno::IsDir.into()),
        Fd::Output(_) => return Err(Errno::Badf.into()),
    };
    guest.write_u32(out, total)
}

/// `fd_pread`.
pub(super) fn read_at(
    p1: &P1Context,
    guest: &mut Guest<'_>,
    fd: u32,
    list: u32,
    count: u32,
    offset: u64,
    out: u32,
) -> P1Result<()> {
    let pieces = guest.pieces(list, count)?;
    let file = seekable(p1, fd)?;
    let total = fill(guest, &file.descriptor, offset, &pieces)?;
    file.descriptor.touch_read(p1.now());
    guest.write_u32(out, total)
}

/// Reads into the pieces one after the other, until the end of the file.
fn fill(guest: &mut Guest<'_>, file: &Descriptor, offset: u64, pieces: &[Piece]) -> P1Result<u32> {
    let mut total = 0_u32;
    // Also with nothing to read, the descriptor must be one to read from.
    if pieces.is_empty() {
        file.read_into(offset, &mut [])?;
    }
    for piece in pieces {
        let left = MAX_TRANSFER.saturating_sub(u64::from(total)).min(u64::from(piece.length));
        let buffer = guest.slice_mut(piece.address, u32::try_from(left).unwrap_or(u32::MAX))?;
        let Some(at) = offset.checked_add(u64::from(total)) else { break };
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..) {
            let read = file.read_into(at.saturating_add(filled as u64), rest)?;
            filled += read;
            if read == 0 || filled == buffer.len() {
                break;
            }
        }
        total = total.saturating_add(u32::try_from(filled).unwrap_or(u32::MAX));
        if filled < piece.length as usize {
            break;
        }
    }
    Ok(total)
}

/// `fd_write`.
pub(super) fn write(
    p1: &mut P1Context,
    guest: &mut Guest<'_>,
    fd: u32,
    list: u32,
    count: u32,
    out: u32,
) -> P1Result<()> {
    let now = p1.now();
    let pieces = guest.pieces(list, count)?;
    let total = match p1.get_mut(fd)? {
        Fd::File(file) => {
            let total = if file.append {
                append(guest, &file.descriptor, now, &pieces)?
            } else {
                store(guest, &file.descriptor, now, file.position, &pieces)?
            };
            file.position = if file.append { file.descriptor.stat()?.size } else { file.position + u64::from(total) };
            total
        }
        Fd::Output(output) => {
            let mut total = 0_u32;
            for piece in &pieces {
                output.write(guest.slice(piece.address, piece.length)?)?;
                total = total.saturating_add(piece.length);
            }
            total
        }
        Fd::Directory { .. } | Fd::Input => return Err(Errno::Badf.into()),
    };
    guest.write_u32(out, total)
}

/// `fd_pwrite`. Writes at the offset also for files that append, as POSIX has it.
pub(super) fn write_at(
    p1: &P1Context,
    guest: &mut Guest<'_>,
    fd: u32,
    list: u32,
    count: u32,
    offset: u64,
    out: u32,
) -> P1Result<()> {
    let pieces = guest.pieces(list, count)?;
    let file = seekable(p1, fd)?;
    let total = store(guest, &file.descriptor, p1.now(), offset, &pieces)?;
    guest.write_u32(out, total)
}

/// Writes the pieces one after the other. What was written before an error
/// counts: the error comes with the next call.
fn store(guest: &Guest<'_>, file: &Descriptor, now: Timestamp, offset: u64, pieces: &[Piece]) -> P1Result<u32> {
    let mut total = 0_u32;
    if pieces.is_empty() {
        file.write(now, offset, &[])?;
    }
    for piece in pieces {
        let at = offset.checked_add(u64::from(total)).ok_or(Errno::Fbig)?;
        match file.write(now, at, guest.slice(piece.address, piece.length)?) {
            Ok(_) => total = total.saturating_add(piece.length),
            Err(error) if total == 0 => return Err(error.into()),
            Err(_) => break,
        }
    }
    Ok(total)
}

/// Appends the pieces as one, so that no other writer comes between them.
fn append(guest: &Guest<'_>, file: &Descriptor, now: Timestamp, pieces: &[Piece]) -> P1Result<u32> {
    let whole;
    let bytes = match pieces {
        [] => &[],
        [piece] => guest.slice(piece.address, piece.length)?,
        pieces => {
            let total: u64 = pieces.iter().map(|piece| u64::from(piece.length)).sum();
            if total > MAX_TRANSFER {
                return Err(Errno::Inval.into());
            }
            let mut joined = Vec::new();
            for piece in pieces {
                joined.extend_from_slice(guest.slice(piece.address, piece.length)?);
            }
            whole = joined;
            &whole
        }
    };
    file.append(now, bytes)?;
    Ok(length(bytes))
}

fn seekable(p1: &P1Context, fd: u32) -> P1Result<&OpenFile> {
    match p1.get(fd)? {
        Fd::File(file) => Ok(file),
        Fd::Directory { .. } => Err(Errno::IsDir.into()),
        Fd::Input | Fd::Output(_) => Err(Errno::SPipe.into()),
    }
}

/// `fd_seek`.
pub(super) fn seek(
    p1: &mut P1Context,
    guest: &mut Guest<'_>,
    fd: u32,
    offset: i64,
    whence: u32,
    out: u32,
) -> P1Result<()> {
    seekable(p1, fd)?;
    let Fd::File(file) = p1.get_mut(fd)? else { return Err(Errno::Badf.into()) };
    let base = match whence {
        0 => 0,
        1 => file.position,
        2 => file.descriptor.stat()?.size,
        _ => return Err(Errno::Inval.into()),
    };
    let position = base.checked_add_signed(offset).filter(|position| i64::try_from(*position).is_ok());
    file.position = position.ok_or(Errno::Inval)?;
    guest.write_u64(out, file.position)
}

/// `fd_tell`.
pub(super) fn tell(p1: &P1Context, guest: &mut Guest<'_>, fd: u32, out: u32) -> P1Result<()> {
    let position = seekable(p1, fd)?.position;
    guest.write_u64(out, position)
}

/// `fd_advise`.
pub(super) fn advise(p1: &P1Context, fd: u32, offset: u64, length: u64, advice: u32) -> P1Result<()> {
    // normal, sequential, random, will-need, dont-need, no-reuse
    if advice > 5 {
        return Err(Errno::Inval.into());
    }
    Ok(seekable(p1, fd)?.descriptor.advise(offset, length)?)
}

/// `fd_fdstat_get`.
pub(super) fn status(p1: &P1Context, guest: &mut Guest<'_>, fd: u32, out: u32) -> P1Result<()> {
    let stream = |terminal, rights| (if terminal { CHARACTER_DEVICE } else { UNKNOWN }, 0, rights, rights);
    let (kind, flags, rights, inheriting) = match p1.get(fd)? {
        Fd::Input => stream(p1.input.is_terminal(), FD_READ),
        Fd::Output(output) => stream(output.is_terminal(), FD_WRITE),
        Fd::Directory { descriptor, .. } => {
            let flags = synchronous(descriptor);
            (file_type(FileType::Directory), flags, ALL_RIGHTS & !FILE_RIGHTS, ALL_RIGHTS)
        }
        Fd::File(file) => {
            let opened = file.descriptor.flags();
            let mut rights = ALL_RIGHTS & !FD_READDIR;
            if !opened.contains(DescriptorFlags::READ) {
                rights &= !FD_READ;
            }
            if !opened.contains(DescriptorFlags::WRITE) {
                rights &= !FD_WRITE;
            }
            let mut flags = synchronous(&file.descriptor);
            if file.append {
                flags |= APPEND;
            }
            if file.nonblocking {
                flags |= NONBLOCK;
            }
            (file_type(file.descriptor.file_type()), flags, rights, rights)
        }
    };
    let mut bytes = [0; 24];
    let (head, rest) = bytes.split_at_mut(8);
    let (base, inherit) = rest.split_at_mut(8);
    let [low, high, ..] = flags.to_le_bytes();
    head.copy_from_slice(&[kind, 0, low, high, 0, 0, 0, 0]);
    base.copy_from_slice(&rights.to_le_bytes());
    inherit.copy_from_slice(&inheriting.to_le_bytes());
    guest.write(out, &bytes)
}

fn synchronous(descriptor: &Descriptor) -> u32 {
    let flags = descriptor.flags();
    [
        (DescriptorFlags::DATA_INTEGRITY_SYNC, DSYNC),
        (DescriptorFlags::FILE_INTEGRITY_SYNC, SYNC),
        (DescriptorFlags::REQUESTED_WRITE_SYNC, RSYNC),
    ]
    .into_iter()
    .filter(|(flag, _)| flags.contains(*flag))
    .fold(0, |all, (_, bit)| all | bit)
}

/// `fd_fdstat_set_flags`: append and nonblock can change.
pub(super) fn set_flags(p1: &mut P1Context, fd: u32, flags: u32) -> P1Result<()> {
    match p1.get_mut(fd)? {
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

/// `fd_filestat_get`.
pub(super) fn attributes(p1: &P1Context, guest: &mut Guest<'_>, fd: u32, out: u32) -> P1Result<()> {
    let terminal = match p1.get(fd)? {
        Fd::Input => p1.input.is_terminal(),
        Fd::Output(output) => output.is_terminal(),
        Fd::Directory { descriptor, .. } | Fd::File(OpenFile { descriptor, .. }) => {
            return write_attributes(guest, p1.device(descriptor), &descriptor.stat()?, out);
        }
    };
    let mut bytes = [0; 64];
    if let Some(kind) = bytes.get_mut(16) {
        *kind = if terminal { CHARACTER_DEVICE } else { UNKNOWN };
    }
    guest.write(out, &bytes)
}

/// Stores a `filestat`.
pub(super) fn write_attributes(guest: &mut Guest<'_>, device: u64, attributes: &Attributes, out: u32) -> P1Result<()> {
    let numbers = [
        device,
        attributes.id.ino,
        u64::from(file_type(attributes.file_type)),
        attributes.link_count,
        attributes.size,
        nanoseconds(attributes.accessed),
        nanoseconds(attributes.modified),
        nanoseconds(attributes.changed),
    ];
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    guest.write(out, &bytes)
}

/// WASI 0.1 counts nanoseconds since 1970 without a sign: what is outside
/// becomes the nearest that is inside.
fn nanoseconds(time: Timestamp) -> u64 {
    match u64::try_from(time.seconds) {
        Ok(seconds) => seconds
            .checked_mul(u64::from(Timestamp::NANOSECONDS))
            .and_then(|nanoseconds| nanoseconds.checked_add(u64::from(time.nanoseconds)))
            .unwrap_or(u64::MAX),
        Err(_) => 0,
    }
}

/// The new times that the flags of a `set_times` function ask for.
pub(super) fn new_times(accessed: u64, modified: u64, flags: u32) -> P1Result<(SetTime, SetTime)> {
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

/// `fd_filestat_set_times`.
pub(super) fn set_times(p1: &P1Context, fd: u32, accessed: u64, modified: u64, flags: u32) -> P1Result<()> {
    let (accessed, modified) = new_times(accessed, modified, flags)?;
    Ok(p1.descriptor(fd)?.set_times(p1.now(), accessed, modified)?)
}
