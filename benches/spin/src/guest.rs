//! The components: the same file for all contestants.

use std::path::PathBuf;

use clap::ValueEnum;
use larder_test_spin::built;
use serde::Serialize;

/// A component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Guest {
    /// `wasi:http` 0.3, made with spin-sdk 7; an instance answers many requests.
    Spin7,
    /// `wasi:http` 0.2; an instance for each request.
    Wasi02,
}

impl Guest {
    pub(crate) const ALL: [Self; 2] = [Self::Spin7, Self::Wasi02];

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Spin7 => "`wasi:http` 0.3, made with spin-sdk 7",
            Self::Wasi02 => "`wasi:http` 0.2",
        }
    }

    /// The file.
    ///
    /// # Panics
    /// Where `tests/guests/build` has not made it.
    pub(crate) fn path(self) -> PathBuf {
        match self {
            Self::Spin7 => built::guest("spin-files.wasm"),
            Self::Wasi02 => filler(),
        }
    }

    /// Whether its requests may share instances.
    pub(crate) const fn is_reused(self) -> bool {
        matches!(self, Self::Spin7)
    }
}

/// The component that makes files from requests, with directories: also of
/// volumes that the measured component cannot fill.
///
/// # Panics
/// Where `tests/guests/build` has not made it.
pub(crate) fn filler() -> PathBuf {
    built::guest("http-files.wasm")
}
