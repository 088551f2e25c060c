//! The host side of what Spin apps import besides WASI, for any Wasmtime
//! embedder: variables, and key-value stores that are directories of Larder's
//! volumes.
//!
//! | Interface | Whose guests | What it is |
//! |---|---|---|
//! | `spin:variables/variables@3.0.0` | spin-sdk 7 | [`ComponentVariables`] |
//! | `fermyon:spin/variables@2.0.0` | spin-sdk 5 | the same |
//! | `wasi:config/store@0.2.0-draft-2024-09-27` | WASI's draft | the same |
//! | `spin:key-value/key-value@3.0.0` | spin-sdk 7 | [`KeyValueStores`] |
//! | `fermyon:spin/key-value@2.0.0` | spin-sdk 5 | the same |
//! | `wasi:keyvalue/{store,batch,atomics}@0.2.0-draft2` | WASI's draft | the same |
//!
//! An embedder gives its store's data a [`SpinCtx`], says how to reach it
//! ([`SpinView`]), and calls [`add_to_linker`]. For imports that nothing
//! serves, [`unserved`] has the words.
//!
//! What lives here: the interfaces, and the stores ([`key_value`]). What does
//! not: WASI, what a Spin app says ([`larder_spin_app`]), which volume a store
//! is on, and HTTP.
//!
//! Errors of a volume are errors of the guest's call, and never traps. Values
//! of variables are secrets: they are in no error and in no `Debug`.

mod bindings;
mod context;
mod interfaces;
pub mod key_value;
mod stores;
mod unserved;

pub use context::{MOST_LISTS, MOST_OPEN_STORES, MOST_SWAPS, SpinCtx, SpinCtxView, SpinView};
pub use interfaces::add_to_linker;
pub use key_value::{Clock, KeyValueError, KeyValueStore};
#[doc(no_inline)]
pub use larder_spin_app::variables::ComponentVariables;
pub use stores::KeyValueStores;
pub use unserved::{Unserved, unserved};
