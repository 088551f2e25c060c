//! `fd_readdir`.

use larder_core::FileType;

use super::context::{Fd, P1Context};
use super::errno::{Errno, P1Result};
use super::files::file_type;
use super::memory::{Guest, length};

/// Entries asked for at a time.
const BATCH: usize = 256;

/// `.` and `..`, which the store does not list, come first: their cookies are 1
/// and 2, and those of the store follow.
const DOTS: u64 = 2;

/// Fills the buffer with entries behind `cookie`; the last may be cut, which
/// tells the guest that there are more.
pub(super) fn read_directory(
    p1: &P1Context,
    guest: &mut Guest<'_>,
    fd: u32,
    buffer: u32,
    capacity: u32,
    cookie: u64,
    out: u32,
) -> P1Result<()> {
    let directory = match p1.get(fd)? {
        Fd::Directory { descriptor, .. } => descriptor,
        Fd::File(_) => return Err(Errno::NotDir.into()),
        Fd::Input | Fd::Output(_) => return Err(Errno::Badf.into()),
    };
    let mut lines = Lines { guest, buffer, capacity, used: 0 };
    let own = directory.stat()?.id.ino;
    for (dot, name) in [(1, "."), (DOTS, "..")] {
        if cookie < dot {
            // The inode of `..` may be outside of what the guest may see.
            lines.push(dot, own, FileType::Directory, name)?;
        }
    }
    let mut after = cookie.saturating_sub(DOTS);
    while !lines.is_full() {
        let batch = directory.read_directory(after, BATCH)?;
        let Some(last) = batch.last() else { break };
        after = last.cookie;
        for entry in &batch {
            lines.push(entry.cookie.saturating_add(DOTS), entry.id.ino, entry.file_type, &entry.name)?;
        }
    }
    let used = lines.used;
    guest.write_u32(out, used)
}

/// The buffer, as far as it is filled.
struct Lines<'a, 'b> {
    guest: &'a mut Guest<'b>,
    buffer: u32,
    capacity: u32,
    used: u32,
}

impl Lines<'_, '_> {
    fn is_full(&self) -> bool {
        self.used >= self.capacity
    }

    /// Adds a `dirent` and its name, or what fits of them.
    fn push(&mut self, next: u64, inode: u64, kind: FileType, name: &str) -> P1Result<()> {
        let mut line = Vec::with_capacity(24 + name.len());
        line.extend_from_slice(&next.to_le_bytes());
        line.extend_from_slice(&inode.to_le_bytes());
        line.extend_from_slice(&length(name.as_bytes()).to_le_bytes());
        line.extend_from_slice(&[file_type(kind), 0, 0, 0]);
        line.extend_from_slice(name.as_bytes());
        let room = self.capacity.saturating_sub(self.used) as usize;
        let shown = line.get(..line.len().min(room)).unwrap_or_default();
        let at = self.buffer.checked_add(self.used).ok_or(Errno::Overflow)?;
        self.guest.write(at, shown)?;
        self.used += length(shown);
        Ok(())
    }
}
