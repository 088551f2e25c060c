//! The store as a core module that answers the lowered imports of an app in
//! whose component it lies. `component-adapter/README.md` describes its ABI.
//!
//! Each export is a function of a WASI interface as a core module imports it,
//! with the context (whose memory the addresses are in) before its parameters.
//! What lives here is that ABI, by hand: reading parameters, laying out
//! answers, handles. What it means is `larder-engine`'s and `larder-core`'s.
//!
//! A handle that is not valid, an address outside of memory and a number that
//! its type does not have trap, as they do at a component's boundary.
#![cfg(target_arch = "wasm32")]

mod answer;
mod app;
mod environment;
mod errors;
mod filesystem;
#[cfg(feature = "forward")]
mod forward;
mod host;
mod locks;
mod memory;
mod poll;
mod resources;
mod statistics;
mod streams;

larder_engine::install_allocator!();

/// Ends the instance: the app broke the rules of the ABI.
pub(crate) fn trap() -> ! {
    core::arch::wasm32::unreachable()
}
