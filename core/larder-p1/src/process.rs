//! The state of one module: its descriptor numbers and what it was started
//! with.

use std::collections::BTreeMap;
use std::sync::Arc;

use larder_core::{Descriptor, FileType, Timestamp, Volume};

use crate::memory::{Memory, Values as _};
use crate::numbers::length;
use crate::{Errno, Host, Need, Output, P1Result};

/// Descriptors of one module, at most: 65,536. Bounds the table; what a volume
/// has open has its own limit.
const MAX_DESCRIPTORS: usize = 1 << 16;

/// The first directory that is mounted has this number; below are the standard
/// streams.
const FIRST_MOUNT: u32 = 3;

/// What a descriptor number stands for.
pub(crate) enum Fd {
    /// Standard input.
    Input,
    /// Standard output or error.
    Output(Output),
    /// A directory. A mount has the guest path under which it was given.
    Directory { descriptor: Descriptor, mount: Option<String> },
    /// A file, with where the next read or write goes.
    File(OpenFile),
}

/// An open file.
pub(crate) struct OpenFile {
    pub(crate) descriptor: Descriptor,
    /// Bytes from the start.
    pub(crate) position: u64,
    /// Writes go to the end (`O_APPEND`).
    pub(crate) append: bool,
    /// Kept for `fd_fdstat_get`; files never block.
    pub(crate) nonblocking: bool,
    /// The store renews the access time at the first read alone: later ones
    /// need not ask the clock.
    read_before: bool,
}

impl OpenFile {
    /// Renews the access time, if this is the first read.
    pub(crate) fn touch_read(&mut self, host: &impl Host) {
        if !self.read_before {
            self.read_before = true;
            self.descriptor.touch_read(host.wall_clock());
        }
    }
}

/// A directory that a module is given at the start.
pub struct Mounted {
    /// Where the module sees it.
    pub guest_path: String,
    /// The directory.
    pub descriptor: Descriptor,
}

/// The state of one module. Its methods are the interface's functions.
pub struct Process<H> {
    /// Clocks, random numbers and standard streams.
    pub host: H,
    pub(crate) table: BTreeMap<u32, Fd>,
    /// The arguments, each without its end.
    pub(crate) arguments: Vec<String>,
    /// `KEY=VALUE`.
    pub(crate) environment: Vec<String>,
    /// The volumes of the mounts: their place is the device number.
    volumes: Vec<Arc<Volume>>,
}

impl<H: Host> Process<H> {
    /// The state that a module starts with. `environment` has `KEY=VALUE`.
    pub fn new(
        host: H,
        mounts: impl IntoIterator<Item = Mounted>,
        arguments: Vec<String>,
        environment: Vec<String>,
    ) -> Self {
        let mut table =
            BTreeMap::from([(0, Fd::Input), (1, Fd::Output(Output::Stdout)), (2, Fd::Output(Output::Stderr))]);
        let mut volumes: Vec<Arc<Volume>> = Vec::new();
        for (number, mount) in (FIRST_MOUNT..).zip(mounts) {
            let volume = mount.descriptor.view().volume();
            if !volumes.iter().any(|known| Arc::ptr_eq(known, volume)) {
                volumes.push(Arc::clone(volume));
            }
            table.insert(number, Fd::Directory { descriptor: mount.descriptor, mount: Some(mount.guest_path) });
        }
        Self { host, table, arguments, environment, volumes }
    }

    /// The time that changes are stamped with.
    pub(crate) fn now(&self) -> Timestamp {
        self.host.wall_clock()
    }

    /// The device number of a descriptor's volume, from 1.
    pub(crate) fn device(&self, descriptor: &Descriptor) -> u64 {
        let volume = descriptor.view().volume();
        let place = self.volumes.iter().position(|known| Arc::ptr_eq(known, volume));
        place.map_or(0, |place| place as u64 + 1)
    }

    /// What the number stands for.
    pub(crate) fn get(&self, fd: u32) -> P1Result<&Fd> {
        self.table.get(&fd).ok_or_else(|| Errno::Badf.into())
    }

    /// What the number stands for, to change it.
    pub(crate) fn get_mut(&mut self, fd: u32) -> P1Result<&mut Fd> {
        self.table.get_mut(&fd).ok_or_else(|| Errno::Badf.into())
    }

    /// The file or directory behind the number.
    pub(crate) fn descriptor(&self, fd: u32) -> P1Result<&Descriptor> {
        match self.get(fd)? {
            Fd::File(file) => Ok(&file.descriptor),
            Fd::Directory { descriptor, .. } => Ok(descriptor),
            // As Linux has it for a terminal or a pipe.
            Fd::Input | Fd::Output(_) => Err(Errno::Inval.into()),
        }
    }

    /// The file behind the number.
    pub(crate) fn file_descriptor(&self, fd: u32) -> P1Result<&Descriptor> {
        match self.get(fd)? {
            Fd::File(file) => Ok(&file.descriptor),
            Fd::Directory { .. } => Err(Errno::IsDir.into()),
            Fd::Input | Fd::Output(_) => Err(Errno::Inval.into()),
        }
    }

    /// The directory behind the number, for paths below it.
    pub(crate) fn directory(&self, fd: u32) -> P1Result<&Descriptor> {
        match self.get(fd)? {
            Fd::Directory { descriptor, .. } => Ok(descriptor),
            Fd::File(_) | Fd::Input | Fd::Output(_) => Err(Errno::NotDir.into()),
        }
    }

    /// The directory behind the number, for what adds names below it.
    pub(crate) fn directory_for_names(&self, fd: u32) -> P1Result<&Descriptor> {
        let directory = self.directory(fd)?;
        self.host.admit(Need::Names)?;
        Ok(directory)
    }

    /// The file behind the number, for what works on positions.
    pub(crate) fn seekable(&self, fd: u32) -> P1Result<&OpenFile> {
        match self.get(fd)? {
            Fd::File(file) => Ok(file),
            Fd::Directory { .. } => Err(Errno::IsDir.into()),
            Fd::Input | Fd::Output(_) => Err(Errno::SPipe.into()),
        }
    }

    /// Gives a descriptor the lowest free number, as POSIX has it.
    pub(crate) fn insert(&mut self, descriptor: Descriptor, append: bool, nonblocking: bool) -> P1Result<u32> {
        if self.table.len() >= MAX_DESCRIPTORS {
            return Err(Errno::MFile.into());
        }
        let fd = match descriptor.file_type() {
            FileType::Directory => Fd::Directory { descriptor, mount: None },
            FileType::RegularFile | FileType::SymbolicLink => {
                Fd::File(OpenFile { descriptor, position: 0, append, nonblocking, read_before: false })
            }
        };
        let mut number = 0;
        for used in self.table.keys() {
            if *used != number {
                break;
            }
            number += 1;
        }
        self.table.insert(number, fd);
        Ok(number)
    }

    /// `fd_close`.
    ///
    /// # Errors
    /// `Badf`.
    pub fn fd_close(&mut self, fd: u32) -> P1Result<()> {
        self.table.remove(&fd).map(drop).ok_or_else(|| Errno::Badf.into())
    }

    /// `fd_renumber`: `to` is replaced, and `from` is free afterwards.
    ///
    /// # Errors
    /// `Badf`.
    pub fn fd_renumber(&mut self, from: u32, to: u32) -> P1Result<()> {
        // Only numbers in use can be replaced: the table stays bounded.
        self.get(to)?;
        if from == to {
            return Ok(());
        }
        let moved = self.table.remove(&from).ok_or(Errno::Badf)?;
        self.table.insert(to, moved);
        Ok(())
    }

    /// `fd_prestat_get`.
    ///
    /// # Errors
    /// `Badf` where it is no mount.
    pub fn fd_prestat_get(&self, memory: &mut impl Memory, fd: u32, out: u32) -> P1Result<()> {
        let name = self.mount(fd)?;
        // The tag of a directory, and the length of its name.
        memory.write_u32(out, 0)?;
        memory.write_u32(out.wrapping_add(4), length(name.as_bytes()))
    }

    /// `fd_prestat_dir_name`.
    ///
    /// # Errors
    /// `Badf` where it is no mount; `NameTooLong`.
    pub fn fd_prestat_dir_name(&self, memory: &mut impl Memory, fd: u32, buffer: u32, capacity: u32) -> P1Result<()> {
        let name = self.mount(fd)?;
        if length(name.as_bytes()) > capacity {
            return Err(Errno::NameTooLong.into());
        }
        Ok(memory.write(buffer, name.as_bytes())?)
    }

    fn mount(&self, fd: u32) -> P1Result<&str> {
        match self.get(fd)? {
            Fd::Directory { mount: Some(name), .. } => Ok(name),
            Fd::Directory { .. } | Fd::File(_) | Fd::Input | Fd::Output(_) => Err(Errno::Badf.into()),
        }
    }

    /// Every `sock_` function: there are no sockets.
    ///
    /// # Errors
    /// Always: `NotSock`, or `Badf`.
    pub fn not_a_socket(&self, fd: u32) -> P1Result<()> {
        self.get(fd)?;
        Err(Errno::NotSock.into())
    }
}
