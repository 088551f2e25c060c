//! What every module of the static form shares.
//!
//! A module is a `cdylib` for wasm32-unknown-unknown that answers an app's
//! WASI calls from a store in its own memory. It chooses an ABI; the rest is
//! here:
//!
//! - [`allocator`]: the memory of the module, in pages from `memory.grow`.
//!   Every module installs it with [`install_allocator!`].
//! - [`headroom`]: called before what may allocate, so that memory which runs
//!   out is `insufficient-space` and never a trap.
//! - [`start`]: the volumes and mounts that the image describes, or the
//!   default ones; environment and arguments.
//! - [`file`]: open files and directories, the streams on them, and listings:
//!   the semantics of `wasi:filesystem` 0.2, whatever the ABI. Its functions
//!   ask for headroom themselves.
//! - [`backend`]: what is open, in this module or, with the feature `forward`,
//!   behind an imported store.
//! - [`slots`]: handles for modules that give out their own.
//! - [`limits`]: the bounds on what a guest can ask for.
//! - [`statistics`]: what volumes hold; [`locks`]: advisory locks, and versions.
//!
//! A module passes the time in as `fn() -> Timestamp`, its clock; it is asked
//! only when something is stamped.
//!
//! What is not here: the store's rules (`larder-core`), the bytes of an image
//! (`larder-image`), and any ABI.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "natively only tests are built"))]

#[cfg(target_arch = "wasm32")]
mod admission;
pub mod allocator;
#[cfg(target_arch = "wasm32")]
pub mod backend;
#[cfg(target_arch = "wasm32")]
pub mod file;
#[cfg(target_arch = "wasm32")]
pub mod headroom;
pub mod limits;
#[cfg(target_arch = "wasm32")]
pub mod locks;
pub mod slots;
#[cfg(target_arch = "wasm32")]
pub mod start;
#[cfg(target_arch = "wasm32")]
pub mod statistics;

/// A module's clock.
pub type Clock = fn() -> larder_core::Timestamp;
