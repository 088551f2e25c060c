//! WASI 0.1 (`wasi_snapshot_preview1`) for core modules, over volumes.
//!
//! Core modules are not wrapped into components with Wasmtime's adapter,
//! because the adapter takes pages of the module's own memory with
//! `memory.grow`. Language runtimes that believe their memory to be contiguous
//! (Go, TinyGo) overwrite them and trap. It also loses exit codes other than 0
//! and 1, and copies every byte once more.
//!
//! What lives here: the functions for Wasmtime, waiting, and this process's
//! streams. What does not: what the functions do, which is `larder-p1`'s.

mod host;
mod poll;
mod stdio;

use larder_p1::{Errno, MODULE, P1Result, Process, code};
use wasmtime::{Caller, Extern, Linker, Memory};
use wasmtime_wasi::I32Exit;

pub(super) use self::host::{Native, process};
use super::limits::GuestLimits;

/// A store's data for core modules.
pub(super) struct CoreHost {
    /// The WASI 0.1 state.
    pub(super) p1: Process<Native>,
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
    function: impl FnOnce(&mut Process<Native>, &mut &mut [u8]) -> P1Result<()>,
) -> wasmtime::Result<u32> {
    let memory = memory_of(&mut caller)?;
    let (mut bytes, host) = memory.data_and_store_mut(&mut caller);
    finish(function(&mut host.p1, &mut bytes))
}

fn finish(result: P1Result<()>) -> wasmtime::Result<u32> {
    code(result).map_err(wasmtime::Error::from)
}

/// `proc_exit`: an error that unwinds the guest. The system keeps the lowest 8
/// bits of the code, as for a native process.
fn exit(code: u32) -> wasmtime::Error {
    let [low, ..] = code.to_le_bytes();
    I32Exit(i32::from(low)).into()
}

/// Links functions that are a method of the process each. Those with `memory`
/// reach the module's.
macro_rules! link {
    ($linker:ident: $($method:ident $([$memory:ident])? ($($name:ident: $ty:ty),*) ($($given:ident),*);)*) => {
        $(
            $linker.func_wrap(MODULE, stringify!($method), |caller: Call<'_>, $($name: $ty),*| {
                call(caller, |process, _memory| process.$method($(link!(@$memory _memory),)? $($given),*))
            })?;
        )*
    };
    (@memory $value:ident) => { $value };
}

/// Links the interface.
///
/// # Errors
/// When the linker already defines one of the functions.
pub(super) fn add_to_linker(linker: &mut Linker<CoreHost>) -> wasmtime::Result<()> {
    link_system(linker)?;
    link_files(linker)?;
    link_paths(linker)?;
    link_sockets(linker)
}

fn link_system(linker: &mut Linker<CoreHost>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "sched_yield", || 0_u32)?;
    linker.func_wrap(MODULE, "proc_exit", |code: u32| -> wasmtime::Result<()> { Err(exit(code)) })?;
    linker.func_wrap(MODULE, "proc_raise", |_signal: u32| u32::from(Errno::NotSup.code()))?;
    linker.func_wrap_async(
        MODULE,
        "poll_oneoff",
        |c: Call<'_>, (subscriptions, events, count, out): (u32, u32, u32, u32)| {
            Box::new(poll::poll_oneoff(c, subscriptions, events, count, out))
        },
    )?;
    link! { linker:
        args_get [memory] (pointers: u32, buffer: u32) (pointers, buffer);
        args_sizes_get [memory] (count: u32, size: u32) (count, size);
        environ_get [memory] (pointers: u32, buffer: u32) (pointers, buffer);
        environ_sizes_get [memory] (count: u32, size: u32) (count, size);
        clock_res_get [memory] (clock: u32, out: u32) (clock, out);
        clock_time_get [memory] (clock: u32, _precision: u64, out: u32) (clock, out);
        random_get [memory] (buffer: u32, length: u32) (buffer, length);
    }
    Ok(())
}

fn link_files(linker: &mut Linker<CoreHost>) -> wasmtime::Result<()> {
    linker.func_wrap_async(MODULE, "fd_read", |c: Call<'_>, (fd, list, count, out): (u32, u32, u32, u32)| {
        Box::new(poll::fd_read(c, fd, list, count, out))
    })?;
    link! { linker:
        fd_advise (fd: u32, offset: u64, length: u64, advice: u32) (fd, offset, length, advice);
        fd_allocate (fd: u32, _offset: u64, _length: u64) (fd);
        fd_close (fd: u32) (fd);
        fd_datasync (fd: u32) (fd);
        fd_sync (fd: u32) (fd);
        fd_fdstat_get [memory] (fd: u32, out: u32) (fd, out);
        fd_fdstat_set_flags (fd: u32, flags: u32) (fd, flags);
        fd_fdstat_set_rights (fd: u32, _base: u64, _inheriting: u64) (fd);
        fd_filestat_get [memory] (fd: u32, out: u32) (fd, out);
        fd_filestat_set_size (fd: u32, size: u64) (fd, size);
        fd_filestat_set_times (fd: u32, accessed: u64, modified: u64, flags: u32) (fd, accessed, modified, flags);
        fd_pread [memory] (fd: u32, list: u32, count: u32, offset: u64, out: u32) (fd, list, count, offset, out);
        fd_prestat_get [memory] (fd: u32, out: u32) (fd, out);
        fd_prestat_dir_name [memory] (fd: u32, buffer: u32, capacity: u32) (fd, buffer, capacity);
        fd_pwrite [memory] (fd: u32, list: u32, count: u32, offset: u64, out: u32) (fd, list, count, offset, out);
        fd_readdir [memory] (fd: u32, buffer: u32, capacity: u32, cookie: u64, out: u32) (fd, buffer, capacity, cookie, out);
        fd_renumber (from: u32, to: u32) (from, to);
        fd_seek [memory] (fd: u32, offset: i64, whence: u32, out: u32) (fd, offset, whence, out);
        fd_tell [memory] (fd: u32, out: u32) (fd, out);
        fd_write [memory] (fd: u32, list: u32, count: u32, out: u32) (fd, list, count, out);
    }
    Ok(())
}

fn link_paths(linker: &mut Linker<CoreHost>) -> wasmtime::Result<()> {
    link! { linker:
        path_create_directory [memory] (fd: u32, path: u32, length: u32) (fd, path, length);
        path_filestat_get [memory] (fd: u32, lookup: u32, path: u32, length: u32, out: u32) (fd, lookup, path, length, out);
        path_filestat_set_times [memory] (fd: u32, lookup: u32, path: u32, length: u32, accessed: u64, modified: u64, flags: u32) (fd, lookup, path, length, accessed, modified, flags);
        path_link [memory] (fd: u32, lookup: u32, path: u32, length: u32, new_fd: u32, new_path: u32, new_length: u32) (fd, lookup, path, length, new_fd, new_path, new_length);
        path_open [memory] (fd: u32, lookup: u32, path: u32, length: u32, open: u32, rights: u64, _inheriting: u64, flags: u32, out: u32) (fd, lookup, path, length, open, rights, flags, out);
        path_readlink [memory] (fd: u32, path: u32, length: u32, buffer: u32, capacity: u32, out: u32) (fd, path, length, buffer, capacity, out);
        path_remove_directory [memory] (fd: u32, path: u32, length: u32) (fd, path, length);
        path_rename [memory] (fd: u32, path: u32, length: u32, new_fd: u32, new_path: u32, new_length: u32) (fd, path, length, new_fd, new_path, new_length);
        path_symlink [memory] (target: u32, target_length: u32, fd: u32, path: u32, length: u32) (target, target_length, fd, path, length);
        path_unlink_file [memory] (fd: u32, path: u32, length: u32) (fd, path, length);
    }
    Ok(())
}

fn link_sockets(linker: &mut Linker<CoreHost>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "sock_accept", |c: Call<'_>, fd: u32, _flags: u32, _out: u32| {
        call(c, |process, _| process.not_a_socket(fd))
    })?;
    linker.func_wrap(
        MODULE,
        "sock_recv",
        |c: Call<'_>, fd: u32, _list: u32, _count: u32, _flags: u32, _size: u32, _out: u32| {
            call(c, |process, _| process.not_a_socket(fd))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "sock_send",
        |c: Call<'_>, fd: u32, _list: u32, _count: u32, _flags: u32, _size: u32| {
            call(c, |process, _| process.not_a_socket(fd))
        },
    )?;
    linker.func_wrap(MODULE, "sock_shutdown", |c: Call<'_>, fd: u32, _how: u32| {
        call(c, |process, _| process.not_a_socket(fd))
    })?;
    Ok(())
}
