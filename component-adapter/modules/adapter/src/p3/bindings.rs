//! What `wit-bindgen` makes of the world `store` in `wit/larder-adapter-p3`.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    unused_imports,
    clippy::all,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unimplemented,
    clippy::cast_possible_truncation,
    reason = "generated"
)]

wit_bindgen::generate!({
    path: [
        "../../../wit/deps/clocks-0.3.0.wit",
        "../../../wit/deps/filesystem-0.3.0.wit",
        "../../../wit/larder-adapter-p3",
    ],
    world: "larder:adapter-p3/store",
    generate_all,
    disable_run_ctors_once_workaround: true,
});
