//! The adapter component: what `wac plug` puts in front of an app, so that the
//! app's filesystem is in the component.
//!
//! Features choose what is exported, each combination a build of its own:
//! `p2` WASI 0.2, `tcp` the streams of its TCP connections as well, `p3` WASI
//! 0.3. All have one store.
//!
//! What lives here: the component's exports. What does not: the store
//! (`larder-core`), and the allocator, image, open files and streams
//! (`larder-engine`).
#![cfg(target_arch = "wasm32")]

#[cfg(feature = "p2")]
mod answer;
mod codes;
#[cfg(feature = "p2")]
mod p2;
#[cfg(feature = "p3")]
mod p3;

larder_engine::install_allocator!();
