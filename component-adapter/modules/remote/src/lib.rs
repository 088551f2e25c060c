//! The bridge component: exports `larder:fs/store` to an app that was composed
//! with `--forward`, and carries each call to a Larder provider as one message
//! over a wasmCloud host.
//!
//! What lives here: the component's exports, and asking (`send`), of which
//! there are two kinds: by a typed import, which every host has, and with the
//! feature `rpc` through the host's invoker. What does not: the messages
//! (`larder-protocol`), and caching and deferring, which are
//! larder-store-client's, inside the app's own component.
#![cfg(target_arch = "wasm32")]

mod answer;
mod calls;
mod convert;
#[cfg(not(feature = "rpc"))]
#[path = "send.rs"]
mod send;
#[cfg(feature = "rpc")]
#[path = "invoke/mod.rs"]
mod send;

#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated; the WIT is the documentation")]
mod bindings {
    #[cfg(not(feature = "rpc"))]
    wit_bindgen::generate!({
        path: [
            "../../../wit/larder-fs",
            "../../../wit/larder-adapter/deps/io.wit",
            "../../../wit/larder-adapter/deps/clocks.wit",
            "../../../wit/wrpc-rpc/rpc.wit",
            "../../../wit/larder-remote",
        ],
        world: "larder:remote/bridge",
        generate_all,
    });

    #[cfg(feature = "rpc")]
    wit_bindgen::generate!({
        path: [
            "../../../wit/larder-fs",
            "../../../wit/larder-adapter/deps/io.wit",
            "../../../wit/larder-adapter/deps/clocks.wit",
            "../../../wit/wrpc-rpc/rpc.wit",
            "../../../wit/larder-remote",
        ],
        world: "larder:remote/bridge-rpc",
        generate_all,
    });
}

struct Bridge;

bindings::export!(Bridge with_types_in bindings);
