//! WASI 0.1 (`wasi_snapshot_preview1`) for core modules, over volumes.
//!
//! Core modules are not wrapped into components with Wasmtime's adapter,
//! because the adapter takes pages of the module's own memory with
//! `memory.grow`. Language runtimes that believe their memory to be contiguous
//! (Go, TinyGo) overwrite them and trap. It also loses exit codes other than 0
//! and 1, and copies every byte once more.
//!
//! What lives here: numbers and structures of that interface. What does not:
//! semantics of files, which are `larder_core::Descriptor`'s.

mod context;
mod errno;
mod files;
mod listing;
mod memory;
mod paths;
mod poll;
mod stdio;
mod system;

use wasmtime::{Caller, Extern, Linker, Memory};

use self::errno::{Errno, Failure, P1Result};
use self::memory::Guest;
use super::limits::GuestLimits;

pub(super) use self::context::P1Context;

/// A store's data for core modules.
pub(super) struct CoreHost {
    /// The WASI 0.1 state.
    pub(super) p1: P1Context,
    /// Memory and tables.
    pub(super) limits: GuestLimits,
    /// The module's memory, once a call has looked it up.
    pub(super) memory: Option<Memory>,
}

type Call<'a> = Caller<'a, CoreHost>;

/// The memory of the module that calls.
fn memory_of(caller: &mut Call<'_>) -> wasmtime::Result<Memory> {
    if let Some(memory) = caller.data().memory {
        return Ok(memory);
    }
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
        wasmtime::bail!("the module exports no memory called `memory`, which WASI 0.1 needs");
    };
    caller.data_mut().memory = Some(memory);
    Ok(memory)
}

/// Runs one function of the interface and gives what the guest gets: 0 or an
/// error number.
fn call(
    mut caller: Call<'_>,
    function: impl FnOnce(&mut P1Context, &mut Guest<'_>) -> P1Result<()>,
) -> wasmtime::Result<u32> {
    let memory = memory_of(&mut caller)?;
    let (bytes, host) = memory.data_and_store_mut(&mut caller);
    finish(function(&mut host.p1, &mut Guest::new(bytes)))
}

fn finish(result: P1Result<()>) -> wasmtime::Result<u32> {
    match result {
        Ok(()) => Ok(0),
        Err(Failure::Errno(errno)) => Ok(u32::from(errno.code())),
        Err(Failure::Trap(error)) => Err(error),
    }
}

/// Links the interface.
///
/// # Errors
/// When the linker already defines one of the functions.
pub(super) fn add_to_linker(linker: &mut Linker<CoreHost>) -> wasmtime::Result<()> {
    link_system(linker)?;
    link_files(linker)?;
    link_paths(linker)
}

const MODULE: &str = "wasi_snapshot_preview1";

fn link_system(linker: &mut Linker<CoreHost>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "args_sizes_get", |c: Call<'_>, count: u32, size: u32| {
        call(c, |p1, guest| system::sizes(guest, &p1.arguments, count, size))
    })?;
    linker.func_wrap(MODULE, "args_get", |c: Call<'_>, pointers: u32, buffer: u32| {
        call(c, |p1, guest| system::strings(guest, &p1.arguments, pointers, buffer))
    })?;
    linker.func_wrap(MODULE, "environ_sizes_get", |c: Call<'_>, count: u32, size: u32| {
        call(c, |p1, guest| system::sizes(guest, &p1.environment, count, size))
    })?;
    linker.func_wrap(MODULE, "environ_get", |c: Call<'_>, pointers: u32, buffer: u32| {
        call(c, |p1, guest| system::strings(guest, &p1.environment, pointers, buffer))
    })?;
    linker.func_wrap(MODULE, "clock_res_get", |c: Call<'_>, clock: u32, out: u32| {
        call(c, |_, guest| system::clock_resolution(guest, clock, out))
    })?;
    linker.func_wrap(MODULE, "clock_time_get", |c: Call<'_>, clock: u32, _precision: u64, out: u32| {
        call(c, |p1, guest| system::clock_time(p1, guest, clock, out))
    })?;
    linker.func_wrap(MODULE, "random_get", |c: Call<'_>, buffer: u32, length: u32| {
        call(c, |p1, guest| system::random(p1, guest, buffer, length))
    })?;
    linker.func_wrap(MODULE, "sched_yield", || 0_u32)?;
    linker.func_wrap(MODULE, "proc_exit", |code: u32| -> wasmtime::Result<()> { Err(system::exit(code)) })?;
    linker.func_wrap(MODULE, "proc_raise", |_signal: u32| u32::from(Errno::NotSup.code()))?;
    linker.func_wrap_async(
        MODULE,
        "poll_oneoff",
        |c: Call<'_>, (subscriptions, events, count, out): (u32, u32, u32, u32)| {
            Box::new(poll::poll_oneoff(c, subscriptions, events, count, out))
        },
    )?;
    linker.func_wrap(MODULE, "sock_accept", |c: Call<'_>, fd: u32, _flags: u32, _out: u32| {
        call(c, |p1, _| p1.not_a_socket(fd))
    })?;
    linker.func_wrap(
        MODULE,
        "sock_recv",
        |c: Call<'_>, fd: u32, _list: u32, _count: u32, _flags: u32, _size: u32, _out: u32| {
            call(c, |p1, _| p1.not_a_socket(fd))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "sock_send",
        |c: Call<'_>, fd: u32, _list: u32, _count: u32, _flags: u32, _size: u32| call(c, |p1, _| p1.not_a_socket(fd)),
    )?;
    linker
        .func_wrap(MODULE, "sock_shutdown", |c: Call<'_>, fd: u32, _how: u32| call(c, |p1, _| p1.not_a_socket(fd)))?;
    Ok(())
}

fn link_files(linker: &mut Linker<CoreHost>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "fd_prestat_get", |c: Call<'_>, fd: u32, out: u32| {
        call(c, |p1, guest| p1.prestat(guest, fd, out))
    })?;
    linker.func_wrap(MODULE, "fd_prestat_dir_name", |c: Call<'_>, fd: u32, buffer: u32, length: u32| {
        call(c, |p1, guest| p1.prestat_name(guest, fd, buffer, length))
    })?;
    linker.func_wrap(MODULE, "fd_close", |c: Call<'_>, fd: u32| call(c, |p1, _| p1.close(fd)))?;
    linker
        .func_wrap(MODULE, "fd_renumber", |c: Call<'_>, from: u32, to: u32| call(c, |p1, _| p1.renumber(from, to)))?;
    linker.func_wrap_async(MODULE, "fd_read", |c: Call<'_>, (fd, list, count, out): (u32, u32, u32, u32)| {
        Box::new(files::read(c, fd, list, count, out))
    })?;
    linker.func_wrap(MODULE, "fd_pread", |c: Call<'_>, fd: u32, list: u32, count: u32, offset: u64, out: u32| {
        call(c, |p1, guest| files::read_at(p1, guest, fd, list, count, offset, out))
    })?;
    linker.func_wrap(MODULE, "fd_write", |c: Call<'_>, fd: u32, list: u32, count: u32, out: u32| {
        call(c, |p1, guest| files::write(p1, guest, fd, list, count, out))
    })?;
    linker.func_wrap(MODULE, "fd_pwrite", |c: Call<'_>, fd: u32, list: u32, count: u32, offset: u64, out: u32| {
        call(c, |p1, guest| files::write_at(p1, guest, fd, list, count, offset, out))
    })?;
    linker.func_wrap(MODULE, "fd_seek", |c: Call<'_>, fd: u32, offset: i64, whence: u32, out: u32| {
        call(c, |p1, guest| files::seek(p1, guest, fd, offset, whence, out))
    })?;
    linker.func_wrap(MODULE, "fd_tell", |c: Call<'_>, fd: u32, out: u32| {
        call(c, |p1, guest| files::tell(p1, guest, fd, out))
    })?;
    linker.func_wrap(MODULE, "fd_sync", |c: Call<'_>, fd: u32| call(c, |p1, _| Ok(p1.descriptor(fd)?.sync()?)))?;
    linker.func_wrap(MODULE, "fd_datasync", |c: Call<'_>, fd: u32| {
        call(c, |p1, _| Ok(p1.descriptor(fd)?.sync_data()?))
    })?;
    linker.func_wrap(MODULE, "fd_advise", |c: Call<'_>, fd: u32, offset: u64, length: u64, advice: u32| {
        call(c, |p1, _| files::advise(p1, fd, offset, length, advice))
    })?;
    linker.func_wrap(MODULE, "fd_allocate", |c: Call<'_>, fd: u32, _offset: u64, _length: u64| {
        call(c, |p1, _| p1.descriptor(fd).and(Err(Errno::NotSup.into())))
    })?;
    linker.func_wrap(MODULE, "fd_fdstat_get", |c: Call<'_>, fd: u32, out: u32| {
        call(c, |p1, guest| files::status(p1, guest, fd, out))
    })?;
    linker.func_wrap(MODULE, "fd_fdstat_set_flags", |c: Call<'_>, fd: u32, flags: u32| {
        call(c, |p1, _| files::set_flags(p1, fd, flags))
    })?;
    linker.func_wrap(MODULE, "fd_fdstat_set_rights", |c: Call<'_>, fd: u32, _base: u64, _inheriting: u64| {
        call(c, |p1, _| p1.get(fd).and(Err(Errno::NotSup.into())))
    })?;
    linker.func_wrap(MODULE, "fd_filestat_get", |c: Call<'_>, fd: u32, out: u32| {
        call(c, |p1, guest| files::attributes(p1, guest, fd, out))
    })?;
    linker.func_wrap(MODULE, "fd_filestat_set_size", |c: Call<'_>, fd: u32, size: u64| {
        call(c, |p1, _| Ok(p1.file_descriptor(fd)?.set_size(p1.now(), size)?))
    })?;
    linker.func_wrap(
        MODULE,
        "fd_filestat_set_times",
        |c: Call<'_>, fd: u32, accessed: u64, modified: u64, flags: u32| {
            call(c, |p1, _| files::set_times(p1, fd, accessed, modified, flags))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_readdir",
        |c: Call<'_>, fd: u32, buffer: u32, length: u32, cookie: u64, out: u32| {
            call(c, |p1, guest| listing::read_directory(p1, guest, fd, buffer, length, cookie, out))
        },
    )?;
    Ok(())
}

fn link_paths(linker: &mut Linker<CoreHost>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "path_open",
        |c: Call<'_>,
         fd: u32,
         lookup: u32,
         path: u32,
         length: u32,
         open: u32,
         rights: u64,
         _inheriting: u64,
         flags: u32,
         out: u32| {
            call(c, |p1, guest| {
                let path = guest.path(path, length)?;
                let opened = paths::open(p1, fd, lookup, &path, open, rights, flags)?;
                guest.write_u32(out, opened)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_filestat_get",
        |c: Call<'_>, fd: u32, lookup: u32, path: u32, length: u32, out: u32| {
            call(c, |p1, guest| {
                let path = guest.path(path, length)?;
                paths::attributes(p1, guest, fd, lookup, &path, out)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_filestat_set_times",
        |c: Call<'_>, fd: u32, lookup: u32, path: u32, length: u32, accessed: u64, modified: u64, flags: u32| {
            call(c, |p1, guest| {
                let path = guest.path(path, length)?;
                paths::set_times(p1, fd, lookup, &path, accessed, modified, flags)
            })
        },
    )?;
    linker.func_wrap(MODULE, "path_create_directory", |c: Call<'_>, fd: u32, path: u32, length: u32| {
        call(c, |p1, guest| Ok(p1.directory(fd)?.create_directory_at(p1.now(), &guest.path(path, length)?)?))
    })?;
    linker.func_wrap(MODULE, "path_remove_directory", |c: Call<'_>, fd: u32, path: u32, length: u32| {
        call(c, |p1, guest| Ok(p1.directory(fd)?.remove_directory_at(p1.now(), &guest.path(path, length)?)?))
    })?;
    linker.func_wrap(MODULE, "path_unlink_file", |c: Call<'_>, fd: u32, path: u32, length: u32| {
        call(c, |p1, guest| Ok(p1.directory(fd)?.unlink_file_at(p1.now(), &guest.path(path, length)?)?))
    })?;
    linker.func_wrap(
        MODULE,
        "path_rename",
        |c: Call<'_>, fd: u32, path: u32, length: u32, new_fd: u32, new_path: u32, new_length: u32| {
            call(c, |p1, guest| {
                let (path, new_path) = (guest.path(path, length)?, guest.path(new_path, new_length)?);
                Ok(p1.directory(fd)?.rename_at(p1.now(), &path, p1.directory(new_fd)?, &new_path)?)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_link",
        |c: Call<'_>, fd: u32, lookup: u32, path: u32, length: u32, new_fd: u32, new_path: u32, new_length: u32| {
            call(c, |p1, guest| {
                let (path, new_path) = (guest.path(path, length)?, guest.path(new_path, new_length)?);
                let follow = paths::follow(lookup)?;
                Ok(p1.directory(fd)?.link_at(p1.now(), follow, &path, p1.directory(new_fd)?, &new_path)?)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_symlink",
        |c: Call<'_>, target: u32, target_length: u32, fd: u32, path: u32, length: u32| {
            call(c, |p1, guest| {
                let (target, path) = (guest.path(target, target_length)?, guest.path(path, length)?);
                Ok(p1.directory(fd)?.symlink_at(p1.now(), &target, &path)?)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_readlink",
        |c: Call<'_>, fd: u32, path: u32, length: u32, buffer: u32, capacity: u32, out: u32| {
            call(c, |p1, guest| {
                let target = p1.directory(fd)?.readlink_at(&guest.path(path, length)?)?;
                // Cut to the buffer, as readlink(2) does.
                let shown = target.as_bytes();
                let shown = shown.get(..shown.len().min(capacity as usize)).unwrap_or_default();
                guest.write(buffer, shown)?;
                guest.write_u32(out, memory::length(shown))
            })
        },
    )?;
    Ok(())
}
