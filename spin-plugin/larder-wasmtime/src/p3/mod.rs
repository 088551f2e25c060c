//! WASI 0.3: `wasi:filesystem` over Larder, everything else from
//! [`wasmtime_wasi`].

mod abi;
mod files;
mod streams;

use wasmtime::component::Linker;
use wasmtime_wasi::p3;

use crate::context::LarderView;
use crate::{methods, preopens};

const FILESYSTEM_TYPES: &str = "wasi:filesystem/types@0.3.0";
const FILESYSTEM_PREOPENS: &str = "wasi:filesystem/preopens@0.3.0";

/// Links all of WASI 0.3. It may stand beside 0.2 in one linker: both serve
/// the same mounts.
///
/// # Errors
///
/// When the linker already defines one of the interfaces, or its engine was
/// built without [`wasmtime::Config::concurrency_support`].
pub fn add_to_linker<T: LarderView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    add_filesystem_to_linker(linker)?;
    p3::cli::add_to_linker(linker)?;
    p3::clocks::add_to_linker(linker)?;
    p3::random::add_to_linker(linker)?;
    p3::sockets::add_to_linker(linker)
}

/// Links `wasi:filesystem/types` and `preopens` alone, for embedders that
/// choose their interfaces one by one.
///
/// # Errors
///
/// As [`add_to_linker`].
pub fn add_filesystem_to_linker<T: LarderView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let mut types = linker.instance(FILESYSTEM_TYPES)?;
    methods::define::<abi::P3, T>(&mut types)?;
    files::define(&mut types)?;
    preopens::define(&mut linker.instance(FILESYSTEM_PREOPENS)?)
}
