//! Wasmtime's bindings of `larder:fs/{statistics,locks,changes}`.
#![allow(missing_docs, unreachable_pub, clippy::all, reason = "generated; the WIT is the documentation")]

wasmtime::component::bindgen!({ path: "../../wit/larder-fs", world: "larder:fs/extensions" });
