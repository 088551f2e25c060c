//! The bridge component: exports `larder:fs/store` to an app that was composed
//! with `--forward`, and carries each call to a Larder provider as one message
//! over a wasmCloud host.
//!
//! What lives here: the component's exports, the repeating of what failed. What
//! does not: the messages (`larder-protocol`), and caching and deferring, which
//! are larder-store-client's, inside the app's own component.
#![cfg(target_arch = "wasm32")]

mod calls;
mod convert;

#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated; the WIT is the documentation")]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../../wit/larder-fs", "../../../wit/deps/wrpc-rpc-0.1.0.wit", "../../../wit/larder-remote"],
        world: "larder:remote/bridge",
        generate_all,
    });
}

struct Bridge;

bindings::export!(Bridge with_types_in bindings);
