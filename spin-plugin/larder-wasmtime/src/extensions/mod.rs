//! What guests can ask beside WASI, of the mounts of their [`LarderCtx`]:
//! `larder:fs/statistics`, `locks` and `changes`.
//!
//! What lives here: the translation of the interfaces. What does not: locks
//! themselves (larder-core), and an embedder's own store, whose guests have
//! these interfaces composed in.

mod bindings;
mod held;
mod host;

use wasmtime::component::{HasData, Linker};

use crate::context::{LarderCtx, LarderView};

pub(crate) use held::HeldLocks;

/// Links Larder's interfaces beside WASI: what volumes hold, advisory locks,
/// and versions by which changes are noticed. Nothing in them waits: they serve
/// asynchronous and ordinary stores alike.
///
/// # Errors
///
/// When the linker already defines one of the interfaces.
pub fn add_extensions_to_linker<T: LarderView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    use bindings::larder::fs::{changes, locks, statistics};
    statistics::add_to_linker::<T, Interfaces>(linker, |data| Extensions { ctx: data.larder().ctx })?;
    locks::add_to_linker::<T, Interfaces>(linker, |data| Extensions { ctx: data.larder().ctx })?;
    changes::add_to_linker::<T, Interfaces>(linker, |data| Extensions { ctx: data.larder().ctx })
}

/// What the functions of the interfaces work with.
struct Interfaces;

impl HasData for Interfaces {
    type Data<'a> = Extensions<'a>;
}

struct Extensions<'a> {
    ctx: &'a mut LarderCtx,
}
