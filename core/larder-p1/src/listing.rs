//! `fd_readdir`.

use larder_core::FileType;

use crate::memory::{Cursor, Memory, Values as _};
use crate::numbers::{file_type, length};
use crate::process::Fd;
use crate::{Errno, Host, Need, P1Result, Process};

/// Entries asked for at a time. Guards the memory that holds them.
const BATCH: usize = 256;

/// Bytes that are gathered before they go to the guest's memory.
const GATHERED: usize = 4096;

/// `.` and `..`, which the store does not list, come first: their cookies are 1
/// and 2, and those of the store follow.
const DOTS: u64 = 2;

impl<H: Host> Process<H> {
    /// `fd_readdir`: fills the buffer with entries behind `cookie`; the last
    /// may be cut, which tells the guest that there are more.
    ///
    /// # Errors
    /// `NotDir`, `Badf`, and those of the store.
    pub fn fd_readdir(
        &self,
        memory: &mut impl Memory,
        fd: u32,
        buffer: u32,
        capacity: u32,
        cookie: u64,
        out: u32,
    ) -> P1Result<()> {
        let directory = match self.get(fd)? {
            Fd::Directory { descriptor, .. } => descriptor,
            Fd::File(_) => return Err(Errno::NotDir.into()),
            Fd::Input | Fd::Output(_) => return Err(Errno::Badf.into()),
        };
        self.host.admit(Need::Names)?;
        memory.check(buffer, capacity)?;
        let mut lines = Lines { out: Cursor { memory, at: buffer }, gathered: Vec::new(), room: capacity as usize };
        let own = directory.stat()?.id.ino;
        for (dot, name) in [(1, "."), (DOTS, "..")] {
            if cookie < dot {
                // The inode of `..` may be outside of what the guest may see.
                lines.push(dot, own, FileType::Directory, name)?;
            }
        }
        let mut after = cookie.saturating_sub(DOTS);
        while lines.room > 0 {
            let batch = directory.read_directory(after, BATCH)?;
            let Some(last) = batch.last() else { break };
            after = last.cookie;
            for entry in &batch {
                lines.push(entry.cookie.saturating_add(DOTS), entry.id.ino, entry.file_type, &entry.name)?;
                if lines.room == 0 {
                    break;
                }
            }
        }
        lines.flush()?;
        let used = lines.out.at.wrapping_sub(buffer);
        memory.write_u32(out, used)
    }
}

/// The guest's buffer, as far as it is filled.
struct Lines<'a, M> {
    out: Cursor<'a, M>,
    gathered: Vec<u8>,
    /// Bytes that are free behind what was gathered.
    room: usize,
}

impl<M: Memory> Lines<'_, M> {
    /// Adds a `dirent` and its name, or what fits of them.
    fn push(&mut self, next: u64, inode: u64, kind: FileType, name: &str) -> P1Result<()> {
        let start = self.gathered.len();
        self.gathered.extend_from_slice(&next.to_le_bytes());
        self.gathered.extend_from_slice(&inode.to_le_bytes());
        self.gathered.extend_from_slice(&length(name.as_bytes()).to_le_bytes());
        self.gathered.extend_from_slice(&[file_type(kind), 0, 0, 0]);
        self.gathered.extend_from_slice(name.as_bytes());
        self.gathered.truncate(start + self.room.min(self.gathered.len() - start));
        self.room -= self.gathered.len() - start;
        if self.gathered.len() >= GATHERED { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> P1Result<()> {
        self.out.put(&self.gathered)?;
        self.gathered.clear();
        Ok(())
    }
}
