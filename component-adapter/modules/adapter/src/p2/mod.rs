//! WASI 0.2: the filesystem, and every other interface that hands a command
//! its streams.

mod bindings;
mod convert;
mod error;
mod filesystem;
mod locks;
mod statistics;
mod stdio;
mod streams;
#[cfg(feature = "tcp")]
mod tcp;

use bindings::exports::wasi;
use bindings::wasi::clocks::{monotonic_clock, wall_clock};
use bindings::wasi::io::poll::Pollable;
use larder_core::Timestamp;

/// What the generated code calls.
struct Adapter;

wasi::io::error::__export_wasi_io_error_0_2_0_cabi!(Adapter with_types_in bindings::exports::wasi::io::error);
wasi::cli::stdin::__export_wasi_cli_stdin_0_2_0_cabi!(Adapter with_types_in bindings::exports::wasi::cli::stdin);
wasi::cli::stdout::__export_wasi_cli_stdout_0_2_0_cabi!(Adapter with_types_in bindings::exports::wasi::cli::stdout);
wasi::cli::stderr::__export_wasi_cli_stderr_0_2_0_cabi!(Adapter with_types_in bindings::exports::wasi::cli::stderr);
wasi::filesystem::types::__export_wasi_filesystem_types_0_2_0_cabi!(
    Adapter with_types_in bindings::exports::wasi::filesystem::types
);
wasi::filesystem::preopens::__export_wasi_filesystem_preopens_0_2_0_cabi!(
    Adapter with_types_in bindings::exports::wasi::filesystem::preopens
);
bindings::exports::larder::fs::statistics::__export_larder_fs_statistics_0_1_0_cabi!(
    Adapter with_types_in bindings::exports::larder::fs::statistics
);
bindings::exports::larder::fs::locks::__export_larder_fs_locks_0_1_0_cabi!(
    Adapter with_types_in bindings::exports::larder::fs::locks
);
bindings::exports::larder::fs::changes::__export_larder_fs_changes_0_1_0_cabi!(
    Adapter with_types_in bindings::exports::larder::fs::changes
);
#[cfg(feature = "tcp")]
wasi::sockets::tcp::__export_wasi_sockets_tcp_0_2_0_cabi!(
    Adapter with_types_in bindings::exports::wasi::sockets::tcp
);
#[cfg(feature = "tcp")]
wasi::sockets::tcp_create_socket::__export_wasi_sockets_tcp_create_socket_0_2_0_cabi!(
    Adapter with_types_in bindings::exports::wasi::sockets::tcp_create_socket
);

/// The time for a change.
fn now() -> Timestamp {
    let now = wall_clock::now();
    Timestamp { seconds: i64::try_from(now.seconds).unwrap_or(i64::MAX), nanoseconds: now.nanoseconds }
}

/// A pollable that is ready, as files always are. It is the host's, so that
/// it can stand in one `poll` with those of sockets and timers.
fn ready() -> Pollable {
    monotonic_clock::subscribe_duration(0)
}
