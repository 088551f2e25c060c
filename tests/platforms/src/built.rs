//! What `tests/tools` and `tests/guests/build` made.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The value that `tests/tools` wrote for a variable such as
/// `LARDER_WASMTIME`; one that is set in the environment wins.
///
/// # Panics
/// Where there is none.
#[must_use]
pub fn tool(variable: &str) -> OsString {
    env::var_os(variable).unwrap_or_else(|| {
        let file = cache().join("env");
        let text =
            fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}; run tests/tools", file.display()));
        let export = format!("export {variable}=");
        let value = text.lines().find_map(|line| line.strip_prefix(&export));
        value.unwrap_or_else(|| panic!("{} has no {variable}; run tests/tools", file.display())).into()
    })
}

/// A guest that `tests/guests/build` made.
///
/// # Panics
/// Where it is not there.
#[must_use]
pub fn guest(name: &str) -> Vec<u8> {
    let path = Path::new(&tool("LARDER_GUESTS")).join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run tests/guests/build", path.display()))
}

/// A folder for what a test makes, outside of the clone.
///
/// # Panics
/// Where it cannot be made.
#[must_use]
pub fn work(name: &str) -> PathBuf {
    let path = cache().join("platforms").join(name);
    fs::create_dir_all(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    path
}

fn cache() -> PathBuf {
    env::var_os("LARDER_CACHE").map_or_else(
        || {
            let home = env::var_os("HOME").expect("HOME says where the cache is");
            Path::new(&home).join(".cache/larder")
        },
        PathBuf::from,
    )
}
