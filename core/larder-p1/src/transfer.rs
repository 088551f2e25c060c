//! Reading and writing: `fd_read`, `fd_pread`, `fd_write`, `fd_pwrite`.

use larder_core::{Descriptor, Source, Timestamp};

use crate::memory::{Memory, Range32, Values as _};
use crate::numbers::length;
use crate::pieces::{Piece, Pieces};
use crate::process::Fd;
use crate::{Errno, Host, Need, P1Result, Process};

/// Bytes read or written in one call, at most: 64 MiB. More is answered with
/// this much, which the interface allows. Bounds the time of one call.
const MAX_TRANSFER: u32 = 64 << 20;

impl<H: Host> Process<H> {
    /// Whether [`fd_read`](Self::fd_read) of this number takes standard input,
    /// which the caller waits for before.
    pub fn reads_input(&self, fd: u32) -> bool {
        matches!(self.get(fd), Ok(Fd::Input))
    }

    /// `fd_read`. Standard input has to be ready.
    ///
    /// # Errors
    /// `Badf`, `IsDir`, and those of the store and of the input.
    pub fn fd_read(&mut self, memory: &mut impl Memory, fd: u32, list: u32, count: u32, out: u32) -> P1Result<()> {
        let pieces = Pieces::read(memory, list, count)?;
        let Self { table, host, .. } = self;
        let total = match table.get_mut(&fd).ok_or(Errno::Badf)? {
            Fd::File(file) => {
                let total = fill(memory, &file.descriptor, file.position, pieces.as_slice())?;
                file.position += u64::from(total);
                file.touch_read(host);
                total
            }
            Fd::Input => take(memory, host, pieces.as_slice())?,
            Fd::Directory { .. } => return Err(Errno::IsDir.into()),
            Fd::Output(_) => return Err(Errno::Badf.into()),
        };
        memory.write_u32(out, total)
    }

    /// `fd_pread`.
    ///
    /// # Errors
    /// As [`fd_read`](Self::fd_read); `SPipe` for standard streams.
    pub fn fd_pread(
        &mut self,
        memory: &mut impl Memory,
        fd: u32,
        list: u32,
        count: u32,
        offset: u64,
        out: u32,
    ) -> P1Result<()> {
        let pieces = Pieces::read(memory, list, count)?;
        self.seekable(fd)?;
        let Self { table, host, .. } = self;
        let Some(Fd::File(file)) = table.get_mut(&fd) else { return Err(Errno::Badf.into()) };
        let total = fill(memory, &file.descriptor, offset, pieces.as_slice())?;
        file.touch_read(host);
        memory.write_u32(out, total)
    }

    /// `fd_write`.
    ///
    /// # Errors
    /// `Badf`, and those of the store and of the output.
    pub fn fd_write(&mut self, memory: &mut impl Memory, fd: u32, list: u32, count: u32, out: u32) -> P1Result<()> {
        let pieces = Pieces::read(memory, list, count)?;
        let pieces = pieces.as_slice();
        let Self { table, host, .. } = self;
        let total = match table.get_mut(&fd).ok_or(Errno::Badf)? {
            Fd::File(file) if file.append => {
                let total = append(memory, host, &file.descriptor, pieces)?;
                file.position = file.descriptor.size()?;
                total
            }
            Fd::File(file) => {
                let total = store(memory, host, &file.descriptor, file.position, pieces)?;
                file.position += u64::from(total);
                total
            }
            Fd::Output(output) => {
                let mut total = 0_u32;
                for piece in pieces {
                    memory.visit(piece.address, piece.length, &mut |part| host.write_output(*output, part))?;
                    total = total.saturating_add(piece.length);
                }
                total
            }
            Fd::Directory { .. } | Fd::Input => return Err(Errno::Badf.into()),
        };
        memory.write_u32(out, total)
    }

    /// `fd_pwrite`. Writes at the offset also for files that append, as POSIX
    /// has it.
    ///
    /// # Errors
    /// As [`fd_write`](Self::fd_write); `SPipe` for standard streams.
    pub fn fd_pwrite(
        &self,
        memory: &mut impl Memory,
        fd: u32,
        list: u32,
        count: u32,
        offset: u64,
        out: u32,
    ) -> P1Result<()> {
        let pieces = Pieces::read(memory, list, count)?;
        let file = &self.seekable(fd)?.descriptor;
        let total = store(memory, &self.host, file, offset, pieces.as_slice())?;
        memory.write_u32(out, total)
    }
}

/// Takes what standard input has into the pieces, one after the other.
fn take(memory: &mut impl Memory, host: &mut impl Host, pieces: &[Piece]) -> P1Result<u32> {
    let mut total = 0;
    for piece in pieces {
        let taken = host.take_input(piece.length as usize)?;
        memory.write(piece.address, &taken)?;
        total += length(&taken);
        if host.input_available() == 0 {
            break;
        }
    }
    Ok(total)
}

/// Reads into the pieces one after the other, until the end of the file.
fn fill(memory: &mut impl Memory, file: &Descriptor, offset: u64, pieces: &[Piece]) -> P1Result<u32> {
    let mut total = 0_u32;
    // Also with nothing to read, the descriptor must be one to read from.
    if pieces.is_empty() {
        file.read_into(offset, &mut [])?;
    }
    for piece in pieces {
        let wanted = (MAX_TRANSFER - total).min(piece.length);
        let Some(at) = offset.checked_add(u64::from(total)) else { break };
        let mut filled = 0_u32;
        loop {
            let mut stored = Ok(());
            let read = file.read_with(at.saturating_add(u64::from(filled)), (wanted - filled) as usize, |part| {
                if stored.is_ok() {
                    stored = memory.write(piece.address.wrapping_add(filled), part);
                    filled = filled.saturating_add(length(part));
                }
            })?;
            stored?;
            if read == 0 || filled >= wanted {
                break;
            }
        }
        total = total.saturating_add(filled);
        if filled < piece.length {
            break;
        }
    }
    Ok(total)
}

/// Writes the pieces one after the other. What was written before an error
/// counts: the error comes with the next call.
fn store<M: Memory>(memory: &M, host: &impl Host, file: &Descriptor, offset: u64, pieces: &[Piece]) -> P1Result<u32> {
    let mut total = 0_u32;
    if pieces.is_empty() {
        file.write(host.wall_clock(), offset, &[])?;
    }
    for Piece { address, length } in pieces.iter().copied() {
        let length = length.min(MAX_TRANSFER - total);
        let at = offset.checked_add(u64::from(total)).ok_or(Errno::Fbig)?;
        let written = host.admit(Need::Content(length as usize));
        let written =
            written.and_then(|()| file.write_from(host.wall_clock(), at, &Range32 { memory, address, length }));
        match written {
            Ok(_) => total = total.saturating_add(length),
            Err(error) if total == 0 => return Err(error.into()),
            Err(_) => break,
        }
        if total == MAX_TRANSFER {
            break;
        }
    }
    Ok(total)
}

/// Appends the pieces as one, so that no other writer comes between them.
fn append<M: Memory>(memory: &M, host: &impl Host, file: &Descriptor, pieces: &[Piece]) -> P1Result<u32> {
    let total: u64 = pieces.iter().map(|piece| u64::from(piece.length)).sum();
    let total = u32::try_from(total).ok().filter(|total| *total <= MAX_TRANSFER || pieces.len() == 1);
    let total = total.ok_or(Errno::Inval)?;
    host.admit(Need::Content(total as usize))?;
    let now: Timestamp = host.wall_clock();
    if let [Piece { address, length }] = *pieces {
        file.append_from(now, &Range32 { memory, address, length })?;
    } else {
        file.append_from(now, &Joined { memory, pieces, total: total as usize })?;
    }
    Ok(total)
}

/// Several pieces as the bytes of one write.
struct Joined<'a, M> {
    memory: &'a M,
    pieces: &'a [Piece],
    total: usize,
}

impl<M: Memory> Joined<'_, M> {
    /// Hands out the parts that make up `range`.
    fn each(&self, range: core::ops::Range<usize>, mut visit: impl FnMut(Range32<'_, M>, core::ops::Range<usize>)) {
        let mut at = 0;
        for &Piece { address, length } in self.pieces {
            let end = at + length as usize;
            let part = range.start.clamp(at, end) - at..range.end.clamp(at, end) - at;
            if !part.is_empty() {
                visit(Range32 { memory: self.memory, address, length }, part);
            }
            at = end;
        }
    }
}

impl<M: Memory> Source for Joined<'_, M> {
    fn len(&self) -> usize {
        self.total
    }

    fn copy_to(&self, from: usize, out: &mut [u8]) {
        let mut rest = &mut *out;
        let range = from..from + rest.len();
        self.each(range, |piece, part| {
            let (now, later) = core::mem::take(&mut rest).split_at_mut(part.len());
            piece.copy_to(part.start, now);
            rest = later;
        });
    }

    fn append_to(&self, range: core::ops::Range<usize>, out: &mut Vec<u8>) {
        self.each(range, |piece, part| piece.append_to(part, out));
    }
}
