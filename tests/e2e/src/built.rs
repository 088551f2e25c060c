//! What was built before the tests run. Nothing is skipped where it is
//! missing: a test that does not run would look like one that passes.

use std::env;
use std::path::{Path, PathBuf};

/// A guest that `tests/guests/build` made.
///
/// # Panics
/// Where it is not there.
#[must_use]
pub fn guest(name: &str) -> PathBuf {
    let path = guests().join(name);
    assert!(path.exists(), "the guest {} is not there; build it with tests/guests/build", path.display());
    path
}

fn guests() -> PathBuf {
    env::var_os("LARDER_GUESTS").map_or_else(|| cache().join("guests"), PathBuf::from)
}

fn cache() -> PathBuf {
    env::var_os("LARDER_CACHE").map_or_else(
        || {
            let home = env::var_os("HOME").expect("HOME says where the guests are");
            Path::new(&home).join(".cache/larder")
        },
        PathBuf::from,
    )
}

/// The `larder` executable: `LARDER_BIN`, or what Cargo built beside the test.
///
/// # Panics
/// Where it is not there.
#[must_use]
pub fn larder() -> PathBuf {
    let path = env::var_os("LARDER_BIN").map_or_else(
        || {
            // Tests are in TARGET/PROFILE/deps.
            let test = env::current_exe().expect("the test has a path");
            test.ancestors().nth(2).expect("tests are in TARGET/PROFILE/deps").join("larder")
        },
        PathBuf::from,
    );
    assert!(
        path.exists(),
        "the executable {} is not there; build it with `cargo build --release --bin larder`, run the tests with \
         --release too, or name it in LARDER_BIN",
        path.display()
    );
    path
}
