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

/// The directory of the guests.
#[must_use]
pub fn guests() -> PathBuf {
    env::var_os("LARDER_GUESTS").map_or_else(|| cache().join("guests"), PathBuf::from)
}

/// Wasmtime's own command, which `tests/tools` installed.
///
/// # Panics
/// Where it is not there.
#[must_use]
pub fn wasmtime() -> PathBuf {
    tool("LARDER_WASMTIME")
}

/// What `tests/tools` installed, by the name of its variable.
///
/// # Panics
/// Where it is not there.
#[must_use]
pub fn tool(variable: &str) -> PathBuf {
    let path = env::var_os(variable).map_or_else(|| PathBuf::from(installed(variable)), PathBuf::from);
    assert!(path.exists(), "{} is not there; run tests/tools", path.display());
    path
}

/// A value of the file that `tests/tools` writes.
fn installed(name: &str) -> String {
    let file = cache().join("env");
    let text =
        std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}; run tests/tools", file.display()));
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("export {name}=")));
    line.unwrap_or_else(|| panic!("{name} is not in {}; run tests/tools", file.display())).to_owned()
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

/// The `larder-provider` executable, beside `larder`.
///
/// # Panics
/// Where it is not there.
#[must_use]
pub fn provider() -> PathBuf {
    let path = larder().with_file_name("larder-provider");
    assert!(
        path.exists(),
        "the executable {} is not there; build it with `cargo build --release --workspace --bin larder-provider`",
        path.display()
    );
    path
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
