//! What `wit-bindgen` makes of the worlds in `wit/larder-adapter`.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::all,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unimplemented,
    clippy::cast_possible_truncation,
    reason = "generated"
)]

#[cfg(not(feature = "tcp"))]
wit_bindgen::generate!({
    path: ["../../../wit/larder-fs", "../../../wit/larder-adapter"],
    world: "larder:adapter/wasi-p2",
    generate_all,
    disable_run_ctors_once_workaround: true,
});

#[cfg(feature = "tcp")]
wit_bindgen::generate!({
    path: ["../../../wit/larder-fs", "../../../wit/larder-adapter"],
    world: "larder:adapter/wasi-p2-tcp",
    generate_all,
    disable_run_ctors_once_workaround: true,
});
