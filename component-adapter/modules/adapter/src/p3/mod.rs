//! WASI 0.3: the filesystem. Streams are part of the component model there,
//! so that nothing else has to be brought.

mod bindings;
mod convert;
mod filesystem;
mod pump;

use bindings::exports::wasi;
use bindings::wasi::clocks::system_clock;
use larder_core::Timestamp;

/// What the generated code calls.
struct Adapter;

wasi::filesystem::types::__export_wasi_filesystem_types_0_3_0_cabi!(
    Adapter with_types_in bindings::exports::wasi::filesystem::types
);
wasi::filesystem::preopens::__export_wasi_filesystem_preopens_0_3_0_cabi!(
    Adapter with_types_in bindings::exports::wasi::filesystem::preopens
);

/// The time for a change.
fn now() -> Timestamp {
    let now = system_clock::now();
    Timestamp { seconds: now.seconds, nanoseconds: now.nanoseconds }
}
