//! What `wit-bindgen` makes of the world in `wit/`.

#![allow(
    missing_docs,
    unreachable_pub,
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
    path: "wit",
    world: "command",
    generate_all,
    disable_run_ctors_once_workaround: true,
});

export!(Command);

use super::Command;
