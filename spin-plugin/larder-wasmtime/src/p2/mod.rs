//! WASI 0.2: `wasi:filesystem` over Larder, everything else from
//! [`wasmtime_wasi`].

mod abi;
mod directory;
mod files;
mod io;
pub(crate) mod streams;

use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::p2::bindings::{cli, clocks, random, sockets, sync};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView as _};
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView as _};
use wasmtime_wasi_io::bindings::wasi::io as async_io;

use self::io::Waiting;
use crate::context::LarderView;
use crate::{methods, preopens};

/// The newest version that is served, and with it every other 0.2: Wasmtime
/// matches versions by semantic versioning.
const FILESYSTEM_TYPES: &str = "wasi:filesystem/types@0.2.12";
const FILESYSTEM_PREOPENS: &str = "wasi:filesystem/preopens@0.2.12";
const IO_STREAMS: &str = "wasi:io/streams@0.2.12";

/// Links all of WASI 0.2 for stores that are used with Wasmtime's
/// asynchronous calls.
///
/// # Errors
///
/// When the linker already defines one of the interfaces.
pub fn add_to_linker_async<T: LarderView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    add_filesystem_to_linker(linker)?;
    add_io_to_linker_async(linker)?;
    add_nonblocking_to_linker(linker)?;
    sockets::tcp::add_to_linker::<T, WasiSockets>(linker, T::sockets)?;
    sockets::udp::add_to_linker::<T, WasiSockets>(linker, T::sockets)?;
    sockets::udp_create_socket::add_to_linker::<T, WasiSockets>(linker, T::sockets)
}

/// Links all of WASI 0.2 for stores that are used with Wasmtime's ordinary
/// calls: what waits (sockets, the guest's standard input) blocks the thread.
///
/// # Errors
///
/// When the linker already defines one of the interfaces.
pub fn add_to_linker_sync<T: LarderView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    add_filesystem_to_linker(linker)?;
    add_io_to_linker_sync(linker)?;
    add_nonblocking_to_linker(linker)?;
    sync::sockets::tcp::add_to_linker::<T, WasiSockets>(linker, T::sockets)?;
    sync::sockets::udp::add_to_linker::<T, WasiSockets>(linker, T::sockets)?;
    sync::sockets::udp_create_socket::add_to_linker::<T, WasiSockets>(linker, T::sockets)
}

/// Links `wasi:filesystem/types` and `preopens` alone, for embedders that
/// choose their interfaces one by one. Nothing in them waits, so that they
/// serve asynchronous and ordinary stores alike. Their streams need
/// [`add_io_to_linker_async`] or [`add_io_to_linker_sync`] beside them for
/// their speed, though not for their function.
///
/// # Errors
///
/// When the linker already defines one of the interfaces.
pub fn add_filesystem_to_linker<T: LarderView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let mut types = linker.instance(FILESYSTEM_TYPES)?;
    methods::define::<abi::P2, T>(&mut types)?;
    files::define(&mut types)?;
    directory::define(&mut types)?;
    preopens::define(&mut linker.instance(FILESYSTEM_PREOPENS)?)
}

/// Links `wasi:io` for asynchronous stores: file streams without waiting,
/// every other stream as wasmtime-wasi does.
///
/// # Errors
///
/// When the linker already defines one of the interfaces.
pub fn add_io_to_linker_async<T: LarderView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    async_io::error::add_to_linker::<T, Table>(linker, table)?;
    async_io::poll::add_to_linker::<T, Table>(linker, table)?;
    io::define(&mut linker.instance(IO_STREAMS)?, Waiting::Async)
}

/// Links `wasi:io` for ordinary stores, as [`add_io_to_linker_async`].
///
/// # Errors
///
/// When the linker already defines one of the interfaces.
pub fn add_io_to_linker_sync<T: LarderView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    async_io::error::add_to_linker::<T, Table>(linker, table)?;
    sync::io::poll::add_to_linker::<T, Table>(linker, table)?;
    io::define(&mut linker.instance(IO_STREAMS)?, Waiting::Sync)
}

/// The interfaces of wasmtime-wasi in which nothing waits.
fn add_nonblocking_to_linker<T: LarderView + 'static>(l: &mut Linker<T>) -> wasmtime::Result<()> {
    clocks::wall_clock::add_to_linker::<T, WasiClocks>(l, T::clocks)?;
    clocks::monotonic_clock::add_to_linker::<T, WasiClocks>(l, T::clocks)?;
    random::random::add_to_linker::<T, WasiRandom>(l, T::random)?;
    random::insecure::add_to_linker::<T, WasiRandom>(l, T::random)?;
    random::insecure_seed::add_to_linker::<T, WasiRandom>(l, T::random)?;
    cli::exit::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::environment::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::stdin::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::stdout::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::stderr::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::terminal_input::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::terminal_output::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::terminal_stdin::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::terminal_stdout::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::terminal_stderr::add_to_linker::<T, WasiCli>(l, T::cli)?;
    sockets::tcp_create_socket::add_to_linker::<T, WasiSockets>(l, T::sockets)?;
    sockets::instance_network::add_to_linker::<T, WasiSockets>(l, T::sockets)?;
    sockets::network::add_to_linker::<T, WasiSockets>(l, &sockets::network::LinkOptions::default(), T::sockets)?;
    sockets::ip_name_lookup::add_to_linker::<T, WasiSockets>(l, T::sockets)
}

/// Tells Wasmtime's bindings of `wasi:io` that they work on the table alone.
struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

fn table<T: LarderView>(data: &mut T) -> &mut ResourceTable {
    data.larder().table
}
