//! Ports that no other test takes while they are held, also in another
//! process.

use std::fs::{File, TryLockError};
use std::net::TcpListener;

/// SeaweedFS serves gRPC on the port that is this much greater.
const PAIRED: u16 = 10_000;

/// Below what Linux gives to outgoing connections, as are the second ports.
const FIRST: u16 = 11_000;
const LAST: u16 = 21_999;

/// A port on 127.0.0.1, and the one 10,000 above it.
#[derive(Debug)]
pub(crate) struct Pair {
    port: u16,
    /// Locked as long as it is open.
    _lease: File,
}

impl Pair {
    /// A free one.
    pub(crate) fn take() -> Self {
        let directory = std::env::temp_dir().join("larder-test-ports");
        std::fs::create_dir_all(&directory).unwrap();
        let count = LAST - FIRST + 1;
        let begin = fastrand::u16(0..count);
        for step in 0..count {
            let port = FIRST + (begin + step) % count;
            let lease = File::create(directory.join(port.to_string())).unwrap();
            match lease.try_lock() {
                Ok(()) if free(port) && free(port + PAIRED) => return Self { port, _lease: lease },
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => panic!("{}: {error}", directory.display()),
            }
        }
        panic!("no ports are left between {FIRST} and {LAST}");
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }
}

fn free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}
