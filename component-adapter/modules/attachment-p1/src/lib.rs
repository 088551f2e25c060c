//! The store as the main module of a component around a WASI 0.1 core module.
//!
//! `larder compose` puts the app beside this module, in the component that
//! `wit-component` makes of it, and connects the two: the app's imports are the
//! exports of [`functions`], and [`app`] is told where to find the app's entry
//! and the copies between the two memories. Nothing is kept in the app's
//! memory, which is what breaks Go and other runtimes under Wasmtime's own
//! adapter.
//!
//! The exit code: WASI 0.2.0 knows only success and failure, so that every code
//! but 0 of `proc_exit` becomes 1.
//!
//! What lives here: the connection with the app, and WASI 0.2 as what
//! `larder-p1` asks of its host. What does not: WASI 0.1 (`larder-p1`), the
//! allocator, image and mounts (`larder-engine`).
#![cfg(target_arch = "wasm32")]

mod app;
mod bindings;
mod functions;
mod host;
mod input;
mod output;
mod state;

larder_engine::install_allocator!();

struct Command;

impl bindings::exports::wasi::cli::run::Guest for Command {
    fn run() -> Result<(), ()> {
        app::start();
        Ok(())
    }
}
