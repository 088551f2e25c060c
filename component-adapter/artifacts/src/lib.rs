//! The WebAssembly modules and components of the static form, built from
//! `component-adapter/modules` by this crate's build script.
//!
//! Each holds the global `LARDER_IMAGE`, so that an image can be put in.

/// The store as a core module that answers an app's lowered imports.
/// `component-adapter/README.md` describes its ABI.
pub const ATTACHMENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/attachment.wasm"));

/// The attachment of the forwarding variant: the same ABI, and the files of the
/// `larder:fs/store` that it imports.
pub const FORWARD: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/forward.wasm"));

/// The bridge component: exports `larder:fs/store` and imports
/// `larder:remote/messages`, which a wasmCloud provider answers.
pub const REMOTE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/remote.wasm"));

/// The bridge component for hosts with the feature `rpc-interface`: as
/// [`REMOTE`], and imports `wrpc:rpc/invoker` in its place.
pub const REMOTE_RPC: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/remote_rpc.wasm"));

/// A component that imports `larder:fs/store`, for the type of that import.
pub const STORE_INTERFACE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/store_interface.wasm"));

/// The component that a core module of WASI 0.1 is composed into.
pub const ATTACHMENT_P1: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/attachment_p1.wasm"));

/// The adapter component for WASI 0.2.
pub const ADAPTER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/adapter.wasm"));

/// The adapter component for WASI 0.2, which also wraps TCP connections.
pub const ADAPTER_TCP: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/adapter_tcp.wasm"));

/// The adapter component for WASI 0.3.
pub const ADAPTER_P3: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/adapter_p3.wasm"));

/// The adapter component for apps that use WASI 0.3 and 0.2.
pub const ADAPTER_P3_P2: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/adapter_p3_p2.wasm"));
