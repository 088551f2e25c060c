//! WASI 0.1 (`wasi_snapshot_preview1`) over descriptors.
//!
//! [`Process`] is the state of one module; its methods are the interface's
//! functions, with the parameters that the module passes. They reach the
//! module's memory through [`Memory`], which may be a slice or another Wasm
//! instance's memory, and everything that is no file through [`Host`].
//!
//! What lives here: numbers and structures of that interface, the table of
//! descriptor numbers, and what its functions do with standard streams and
//! clocks. What does not: the semantics of files, which are
//! `larder_core::Descriptor`'s; waiting and the end of the process, which are
//! the form's; and any runtime or operating system.
#![forbid(unsafe_code)]

mod errno;
mod files;
mod host;
mod listing;
mod memory;
mod numbers;
mod paths;
mod pieces;
mod poll;
mod process;
mod status;
mod system;
mod transfer;

pub use errno::{Errno, Failure, OutOfBounds, P1Result, code};
pub use host::{Host, Need, Output};
pub use memory::Memory;
pub use poll::Poll;
pub use process::{Mounted, Process};

/// The name that modules import the functions from.
pub const MODULE: &str = "wasi_snapshot_preview1";
