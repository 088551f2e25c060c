//! What an open file is: `fdstat` and `filestat`.

use larder_core::{Attributes, Descriptor, DescriptorFlags, FileType};

use crate::memory::Memory;
use crate::numbers::{
    ALL_RIGHTS, APPEND, CHARACTER_DEVICE, DSYNC, FD_READ, FD_READDIR, FD_WRITE, FILE_RIGHTS, NONBLOCK, RSYNC, SYNC,
    UNKNOWN, file_type, nanoseconds,
};
use crate::process::{Fd, OpenFile};
use crate::{Host, P1Result, Process};

impl<H: Host> Process<H> {
    /// `fd_fdstat_get`.
    ///
    /// # Errors
    /// `Badf`.
    pub fn fd_fdstat_get(&self, memory: &mut impl Memory, fd: u32, out: u32) -> P1Result<()> {
        let stream = |terminal, rights| (if terminal { CHARACTER_DEVICE } else { UNKNOWN }, 0, rights, rights);
        let (kind, flags, rights, inheriting) = match self.get(fd)? {
            Fd::Input => stream(self.host.input_is_terminal(), FD_READ),
            Fd::Output(output) => stream(self.host.output_is_terminal(*output), FD_WRITE),
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
        Ok(memory.write(out, &bytes)?)
    }

    /// `fd_filestat_get`.
    ///
    /// # Errors
    /// `Badf`, and those of the store.
    pub fn fd_filestat_get(&self, memory: &mut impl Memory, fd: u32, out: u32) -> P1Result<()> {
        let terminal = match self.get(fd)? {
            Fd::Input => self.host.input_is_terminal(),
            Fd::Output(output) => self.host.output_is_terminal(*output),
            Fd::Directory { descriptor, .. } | Fd::File(OpenFile { descriptor, .. }) => {
                return write_attributes(memory, self.device(descriptor), &descriptor.stat()?, out);
            }
        };
        let mut bytes = [0; 64];
        if let Some(kind) = bytes.get_mut(16) {
            *kind = if terminal { CHARACTER_DEVICE } else { UNKNOWN };
        }
        Ok(memory.write(out, &bytes)?)
    }
}

/// The `fdflags` of synchronous writes that a descriptor was opened with.
pub(crate) fn synchronous(descriptor: &Descriptor) -> u32 {
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

/// Stores a `filestat`.
pub(crate) fn write_attributes(
    memory: &mut impl Memory,
    device: u64,
    attributes: &Attributes,
    out: u32,
) -> P1Result<()> {
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
    let mut bytes = [0; 64];
    for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    Ok(memory.write(out, &bytes)?)
}
