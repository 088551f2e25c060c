//! Wasmtime's bindings of the interfaces.
#![allow(missing_docs, unreachable_pub, clippy::all, reason = "generated; the WIT is the documentation")]

wasmtime::component::bindgen!({
    path: "../../wit/spin",
    world: "larder:spin/all",
    // Traps are the host's bugs alone, such as a resource that is not in the
    // table.
    imports: { default: trappable },
    with: {
        "fermyon:spin/key-value.store": crate::interfaces::OpenStore,
        "spin:key-value/key-value.store": crate::interfaces::OpenStore,
        "wasi:keyvalue/store.bucket": crate::interfaces::OpenStore,
        "wasi:keyvalue/atomics.cas": crate::interfaces::Swap,
    },
});
