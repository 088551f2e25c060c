//! The functions of `wasi_snapshot_preview1` that the app imports.

use crate::app::AppMemory;
use crate::bindings::wasi::cli::exit::exit;
use crate::host::wait;
use crate::state::call;
use larder_p1::Errno;

/// Exports functions that are a method of the process each. Those with
/// `memory` reach the app's.
macro_rules! functions {
    ($($export:literal $method:ident $([$memory:ident])? ($($name:ident: $ty:ty),*) ($($given:ident),*);)*) => {
        $(
            #[unsafe(export_name = $export)]
            extern "C" fn $method($($name: $ty),*) -> u32 {
                call(|process, _memory: &mut AppMemory| process.$method($(functions!(@$memory _memory),)? $($given),*))
            }
        )*
    };
    (@memory $value:ident) => { $value };
}

functions! {
    "wasi_snapshot_preview1#args_get" args_get [memory] (pointers: u32, buffer: u32) (pointers, buffer);
    "wasi_snapshot_preview1#args_sizes_get" args_sizes_get [memory] (count: u32, size: u32) (count, size);
    "wasi_snapshot_preview1#environ_get" environ_get [memory] (pointers: u32, buffer: u32) (pointers, buffer);
    "wasi_snapshot_preview1#environ_sizes_get" environ_sizes_get [memory] (count: u32, size: u32) (count, size);
    "wasi_snapshot_preview1#clock_res_get" clock_res_get [memory] (clock: u32, out: u32) (clock, out);
    "wasi_snapshot_preview1#clock_time_get" clock_time_get [memory] (clock: u32, _precision: u64, out: u32) (clock, out);
    "wasi_snapshot_preview1#random_get" random_get [memory] (buffer: u32, length: u32) (buffer, length);
    "wasi_snapshot_preview1#fd_advise" fd_advise (fd: u32, offset: u64, length: u64, advice: u32) (fd, offset, length, advice);
    "wasi_snapshot_preview1#fd_allocate" fd_allocate (fd: u32, _offset: u64, _length: u64) (fd);
    "wasi_snapshot_preview1#fd_close" fd_close (fd: u32) (fd);
    "wasi_snapshot_preview1#fd_datasync" fd_datasync (fd: u32) (fd);
    "wasi_snapshot_preview1#fd_sync" fd_sync (fd: u32) (fd);
    "wasi_snapshot_preview1#fd_fdstat_get" fd_fdstat_get [memory] (fd: u32, out: u32) (fd, out);
    "wasi_snapshot_preview1#fd_fdstat_set_flags" fd_fdstat_set_flags (fd: u32, flags: u32) (fd, flags);
    "wasi_snapshot_preview1#fd_fdstat_set_rights" fd_fdstat_set_rights (fd: u32, _base: u64, _inheriting: u64) (fd);
    "wasi_snapshot_preview1#fd_filestat_get" fd_filestat_get [memory] (fd: u32, out: u32) (fd, out);
    "wasi_snapshot_preview1#fd_filestat_set_size" fd_filestat_set_size (fd: u32, size: u64) (fd, size);
    "wasi_snapshot_preview1#fd_filestat_set_times" fd_filestat_set_times (fd: u32, accessed: u64, modified: u64, flags: u32) (fd, accessed, modified, flags);
    "wasi_snapshot_preview1#fd_pread" fd_pread [memory] (fd: u32, list: u32, count: u32, offset: u64, out: u32) (fd, list, count, offset, out);
    "wasi_snapshot_preview1#fd_prestat_get" fd_prestat_get [memory] (fd: u32, out: u32) (fd, out);
    "wasi_snapshot_preview1#fd_prestat_dir_name" fd_prestat_dir_name [memory] (fd: u32, buffer: u32, capacity: u32) (fd, buffer, capacity);
    "wasi_snapshot_preview1#fd_pwrite" fd_pwrite [memory] (fd: u32, list: u32, count: u32, offset: u64, out: u32) (fd, list, count, offset, out);
    "wasi_snapshot_preview1#fd_readdir" fd_readdir [memory] (fd: u32, buffer: u32, capacity: u32, cookie: u64, out: u32) (fd, buffer, capacity, cookie, out);
    "wasi_snapshot_preview1#fd_renumber" fd_renumber (from: u32, to: u32) (from, to);
    "wasi_snapshot_preview1#fd_seek" fd_seek [memory] (fd: u32, offset: i64, whence: u32, out: u32) (fd, offset, whence, out);
    "wasi_snapshot_preview1#fd_tell" fd_tell [memory] (fd: u32, out: u32) (fd, out);
    "wasi_snapshot_preview1#fd_write" fd_write [memory] (fd: u32, list: u32, count: u32, out: u32) (fd, list, count, out);
    "wasi_snapshot_preview1#path_create_directory" path_create_directory [memory] (fd: u32, path: u32, length: u32) (fd, path, length);
    "wasi_snapshot_preview1#path_filestat_get" path_filestat_get [memory] (fd: u32, lookup: u32, path: u32, length: u32, out: u32) (fd, lookup, path, length, out);
    "wasi_snapshot_preview1#path_filestat_set_times" path_filestat_set_times [memory] (fd: u32, lookup: u32, path: u32, length: u32, accessed: u64, modified: u64, flags: u32) (fd, lookup, path, length, accessed, modified, flags);
    "wasi_snapshot_preview1#path_link" path_link [memory] (fd: u32, lookup: u32, path: u32, length: u32, new_fd: u32, new_path: u32, new_length: u32) (fd, lookup, path, length, new_fd, new_path, new_length);
    "wasi_snapshot_preview1#path_open" path_open [memory] (fd: u32, lookup: u32, path: u32, length: u32, open: u32, rights: u64, _inheriting: u64, flags: u32, out: u32) (fd, lookup, path, length, open, rights, flags, out);
    "wasi_snapshot_preview1#path_readlink" path_readlink [memory] (fd: u32, path: u32, length: u32, buffer: u32, capacity: u32, out: u32) (fd, path, length, buffer, capacity, out);
    "wasi_snapshot_preview1#path_remove_directory" path_remove_directory [memory] (fd: u32, path: u32, length: u32) (fd, path, length);
    "wasi_snapshot_preview1#path_rename" path_rename [memory] (fd: u32, path: u32, length: u32, new_fd: u32, new_path: u32, new_length: u32) (fd, path, length, new_fd, new_path, new_length);
    "wasi_snapshot_preview1#path_symlink" path_symlink [memory] (target: u32, target_length: u32, fd: u32, path: u32, length: u32) (target, target_length, fd, path, length);
    "wasi_snapshot_preview1#path_unlink_file" path_unlink_file [memory] (fd: u32, path: u32, length: u32) (fd, path, length);
}

#[unsafe(export_name = "wasi_snapshot_preview1#fd_read")]
extern "C" fn fd_read(fd: u32, list: u32, count: u32, out: u32) -> u32 {
    call(|process, memory| {
        if process.reads_input(fd) {
            process.host.input.wait();
        }
        process.fd_read(memory, fd, list, count, out)
    })
}

#[unsafe(export_name = "wasi_snapshot_preview1#poll_oneoff")]
extern "C" fn poll_oneoff(list: u32, events: u32, count: u32, out: u32) -> u32 {
    call(|process, memory| {
        let subscriptions = process.subscriptions(memory, list, count)?;
        wait(process, &subscriptions);
        process.poll_oneoff(memory, &subscriptions, events, out)
    })
}

#[unsafe(export_name = "wasi_snapshot_preview1#sched_yield")]
extern "C" fn sched_yield() -> u32 {
    0
}

/// Does not return. See the crate's documentation for the exit code.
#[unsafe(export_name = "wasi_snapshot_preview1#proc_exit")]
extern "C" fn proc_exit(code: u32) {
    exit(if code == 0 { Ok(()) } else { Err(()) });
    core::arch::wasm32::unreachable()
}

#[unsafe(export_name = "wasi_snapshot_preview1#proc_raise")]
extern "C" fn proc_raise(_signal: u32) -> u32 {
    u32::from(Errno::NotSup.code())
}

#[unsafe(export_name = "wasi_snapshot_preview1#sock_accept")]
extern "C" fn sock_accept(fd: u32, _flags: u32, _out: u32) -> u32 {
    call(|process, _| process.not_a_socket(fd))
}

#[unsafe(export_name = "wasi_snapshot_preview1#sock_recv")]
extern "C" fn sock_recv(fd: u32, _list: u32, _count: u32, _flags: u32, _size: u32, _out: u32) -> u32 {
    call(|process, _| process.not_a_socket(fd))
}

#[unsafe(export_name = "wasi_snapshot_preview1#sock_send")]
extern "C" fn sock_send(fd: u32, _list: u32, _count: u32, _flags: u32, _size: u32) -> u32 {
    call(|process, _| process.not_a_socket(fd))
}

#[unsafe(export_name = "wasi_snapshot_preview1#sock_shutdown")]
extern "C" fn sock_shutdown(fd: u32, _how: u32) -> u32 {
    call(|process, _| process.not_a_socket(fd))
}
