//! The state of one module: its file descriptors and what it was started with.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use larder_core::{Descriptor, FileType, Result, Timestamp};
use wasmtime_wasi::WasiCtx;

use super::errno::{Errno, P1Result};
use super::memory::{Guest, length};
use super::stdio::{Input, OutputSink};
use crate::runtime::host::{GuestSetup, Stdio};
use crate::runtime::prefixed::OutputTarget;

/// Descriptors of one module, at most. Bounds the table; what a volume has open
/// has its own limit.
const MAX_DESCRIPTORS: usize = 1 << 16;

/// The first directory that is mounted has this number; below are the standard
/// streams.
const FIRST_MOUNT: u32 = 3;

/// What a descriptor number stands for.
pub(super) enum Fd {
    /// Standard input.
    Input,
    /// Standard output or error.
    Output(OutputSink),
    /// A directory. A mount has the guest path under which it was given.
    Directory { descriptor: Descriptor, mount: Option<String> },
    /// A file, with where the next read or write goes.
    File(OpenFile),
}

/// An open file.
pub(super) struct OpenFile {
    pub(super) descriptor: Descriptor,
    /// Bytes from the start.
    pub(super) position: u64,
    /// Writes go to the end (`O_APPEND`).
    pub(super) append: bool,
    /// Kept for `fd_fdstat_get`; files never block.
    pub(super) nonblocking: bool,
}

/// All of it.
pub(in crate::runtime) struct P1Context {
    table: BTreeMap<u32, Fd>,
    /// Standard input, with what was read ahead for a poll.
    pub(super) input: Input,
    /// The arguments, each without its end.
    pub(super) arguments: Vec<String>,
    /// `KEY=VALUE`.
    pub(super) environment: Vec<String>,
    /// The monotonic clock's zero.
    pub(super) started: Instant,
    /// Used for its random numbers.
    pub(super) wasi: WasiCtx,
    /// The volumes of the mounts: their place is the device number.
    volumes: Vec<Arc<larder_core::Volume>>,
}

impl P1Context {
    /// The state that a module starts with.
    ///
    /// # Errors
    /// When a volume has no handle left for a mount.
    pub(in crate::runtime) fn new(setup: &GuestSetup) -> Result<Self> {
        let output = |target| match &setup.stdio {
            Stdio::Inherit | Stdio::OutputOnly => OutputSink::inherit(target),
            Stdio::Prefixed(name) => OutputSink::prefixed(name, target),
        };
        let mut table = BTreeMap::from([
            (0, Fd::Input),
            (1, Fd::Output(output(OutputTarget::Stdout))),
            (2, Fd::Output(output(OutputTarget::Stderr))),
        ]);
        let mut volumes: Vec<Arc<larder_core::Volume>> = Vec::new();
        for (number, mount) in (FIRST_MOUNT..).zip(setup.mounts.iter()) {
            let volume = mount.view.volume();
            if !volumes.iter().any(|known| Arc::ptr_eq(known, volume)) {
                volumes.push(Arc::clone(volume));
            }
            let descriptor = mount.view.mounted_at(&mount.guest)?.root()?;
            table.insert(number, Fd::Directory { descriptor, mount: Some(mount.guest.clone()) });
        }
        Ok(Self {
            table,
            input: Input::new(setup.stdio == Stdio::Inherit),
            arguments: setup.arguments.clone(),
            environment: setup.environment.iter().map(|(key, value)| format!("{key}={value}")).collect(),
            started: Instant::now(),
            wasi: WasiCtx::builder().build(),
            volumes,
        })
    }

    /// The time that changes are stamped with.
    pub(super) fn now(&self) -> Timestamp {
        larder_transfer::now()
    }

    /// The device number of a descriptor's volume, from 1.
    pub(super) fn device(&self, descriptor: &Descriptor) -> u64 {
        let volume = descriptor.view().volume();
        let place = self.volumes.iter().position(|known| Arc::ptr_eq(known, volume));
        place.map_or(0, |place| place as u64 + 1)
    }

    /// What the number stands for.
    pub(super) fn get(&self, fd: u32) -> P1Result<&Fd> {
        self.table.get(&fd).ok_or_else(|| Errno::Badf.into())
    }

    /// What the number stands for, to change it.
    pub(super) fn get_mut(&mut self, fd: u32) -> P1Result<&mut Fd> {
        self.table.get_mut(&fd).ok_or_else(|| Errno::Badf.into())
    }

    /// The file or directory behind the number.
    pub(super) fn descriptor(&self, fd: u32) -> P1Result<&Descriptor> {
        match self.get(fd)? {
            Fd::File(file) => Ok(&file.descriptor),
            Fd::Directory { descriptor, .. } => Ok(descriptor),
            // As Linux has it for a terminal or a pipe.
            Fd::Input | Fd::Output(_) => Err(Errno::Inval.into()),
        }
    }

    /// The file behind the number.
    pub(super) fn file_descriptor(&self, fd: u32) -> P1Result<&Descriptor> {
        match self.get(fd)? {
            Fd::File(file) => Ok(&file.descriptor),
            Fd::Directory { .. } => Err(Errno::IsDir.into()),
            Fd::Input | Fd::Output(_) => Err(Errno::Inval.into()),
        }
    }

    /// The directory behind the number, for paths below it.
    pub(super) fn directory(&self, fd: u32) -> P1Result<&Descriptor> {
        match self.get(fd)? {
            Fd::Directory { descriptor, .. } => Ok(descriptor),
            Fd::File(_) | Fd::Input | Fd::Output(_) => Err(Errno::NotDir.into()),
        }
    }

    /// Gives a descriptor the lowest free number, as POSIX has it.
    pub(super) fn insert(&mut self, descriptor: Descriptor, append: bool, nonblocking: bool) -> P1Result<u32> {
        if self.table.len() >= MAX_DESCRIPTORS {
            return Err(Errno::MFile.into());
        }
        let fd = match descriptor.file_type() {
            FileType::Directory => Fd::Directory { descriptor, mount: None },
            FileType::RegularFile | FileType::SymbolicLink => {
                Fd::File(OpenFile { descriptor, position: 0, append, nonblocking })
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
    pub(super) fn close(&mut self, fd: u32) -> P1Result<()> {
        self.table.remove(&fd).map(drop).ok_or_else(|| Errno::Badf.into())
    }

    /// `fd_renumber`: `to` is replaced, and `from` is free afterwards.
    pub(super) fn renumber(&mut self, from: u32, to: u32) -> P1Result<()> {
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
    pub(super) fn prestat(&self, guest: &mut Guest<'_>, fd: u32, out: u32) -> P1Result<()> {
        let name = self.mount(fd)?;
        // The tag of a directory, and the length of its name.
        guest.write_u32(out, 0)?;
        guest.write_u32(out.wrapping_add(4), length(name.as_bytes()))
    }

    /// `fd_prestat_dir_name`.
    pub(super) fn prestat_name(&self, guest: &mut Guest<'_>, fd: u32, buffer: u32, capacity: u32) -> P1Result<()> {
        let name = self.mount(fd)?;
        if length(name.as_bytes()) > capacity {
            return Err(Errno::NameTooLong.into());
        }
        guest.write(buffer, name.as_bytes())
    }

    fn mount(&self, fd: u32) -> P1Result<&str> {
        match self.get(fd)? {
            Fd::Directory { mount: Some(name), .. } => Ok(name),
            Fd::Directory { .. } | Fd::File(_) | Fd::Input | Fd::Output(_) => Err(Errno::Badf.into()),
        }
    }

    /// The answer to every `sock_` function: there are no sockets.
    pub(super) fn not_a_socket(&self, fd: u32) -> P1Result<()> {
        self.get(fd)?;
        Err(Errno::NotSock.into())
    }
}
