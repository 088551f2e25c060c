//! The host form of Larder: `wasi:filesystem` 0.2 and 0.3 for any Wasmtime
//! embedder, over the volumes of [`larder_core`].
//!
//! An embedder gives its store's data a [`LarderCtx`] beside the `WasiCtx` of
//! [`wasmtime_wasi`], says how to reach it ([`LarderView`]; [`State`] is ready
//! made), and calls [`add_to_linker`] in the place of `wasmtime_wasi`'s functions of that name:
//! the filesystem is then Larder's, every other WASI interface is Wasmtime's.
//! `examples/embed.rs` is a whole embedder.
//!
//! What lives here: lifting arguments out of guests, lowering results into
//! them, streams, and the resource tables between. What does not: semantics,
//! rights and limits of the filesystem ([`larder_core`]), and anything that
//! knows a command line or a host directory.
//!
//! # How bytes travel
//!
//! Every byte is copied once between the store and a guest's memory: writes
//! read the guest's list in place, reads lower the store's shared pieces into
//! the list that the guest allocates. No call waits and none changes threads.
//! What a guest can ask for in one call is bounded by the constants of
//! [`limits`].

mod abi;
mod clock;
mod context;
mod descriptor;
mod errors;
mod extensions;
mod gather;
pub mod limits;
mod listing;
mod methods;
pub mod p2;
pub mod p3;
mod preopens;
mod state;
mod store;

pub use clock::Clock;
pub use context::{LarderCtx, LarderCtxView, LarderView};
pub use descriptor::Descriptor;
pub use extensions::add_extensions_to_linker;
pub use larder_core;
pub use larder_store_service;
pub use state::State;
pub use store::add_store_to_linker;

use wasmtime::component::Linker;
use wasmtime::{Config, Engine};

/// Links all of WASI 0.2, and all of WASI 0.3 where the engine can run it,
/// with the filesystem interfaces over Larder.
///
/// The store must be used with Wasmtime's asynchronous calls
/// (`instantiate_async`, `call_async`); for the others there is
/// [`p2::add_to_linker_sync`]. WASI 0.3 is left out when the engine was built
/// without [`Config::concurrency_support`]: a component that imports it then
/// fails to instantiate with Wasmtime's own message.
///
/// # Errors
///
/// When the linker already defines one of the interfaces.
pub fn add_to_linker<T: LarderView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    p2::add_to_linker_async(linker)?;
    if runs_p3(linker.engine()) {
        p3::add_to_linker(linker)?;
    }
    Ok(())
}

/// Whether host functions of WASI 0.3 can be linked: Wasmtime refuses them
/// when concurrency support is off, and offers no other way to ask.
fn runs_p3(engine: &Engine) -> bool {
    Linker::<()>::new(engine).root().func_wrap_concurrent("probe", |_, (): ()| Box::pin(async { Ok(()) })).is_ok()
}

/// A Wasmtime configuration for guests on Larder.
///
/// With `needs_p3` the engine runs components of WASI 0.2 and 0.3; without,
/// only 0.2, and each call from a guest into the host is cheaper, since
/// Wasmtime then keeps no record of concurrent tasks. Everything else is
/// Wasmtime's default; whoever runs guests that it does not trust adds epochs
/// or fuel, and a `ResourceLimiter` on the store.
#[must_use]
pub fn engine_config(needs_p3: bool) -> Config {
    let mut config = Config::new();
    config.concurrency_support(needs_p3);
    if needs_p3 {
        config.wasm_component_model_async(true);
    }
    config
}
