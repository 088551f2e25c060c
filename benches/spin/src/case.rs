//! What is asked.

use anyhow::{Result, ensure};
use bytes::Bytes;
use clap::ValueEnum;
use serde::Serialize;

use crate::content::{CONTENT, DIRECTORY, FILE, LINE, NAMES, ROOT, VARIABLE};
use crate::guest::Guest;
use crate::load::Ask;

/// What Spin's trigger adds to each request, and as much of it. The trigger takes
/// the place of what a client says of this; `wasmtime serve` passes it on.
const SPIN_HEADERS: &[(&str, &str)] = &[
    ("spin-path-info", "/env"),
    ("spin-full-url", "http://127.0.0.1:12345/env?name=LARDER_BENCH"),
    ("spin-matched-route", "/..."),
    ("spin-base-path", "/"),
    ("spin-raw-component-route", "/..."),
    ("spin-component-route", ""),
    ("spin-client-addr", "127.0.0.1:54321"),
];

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Case {
    /// A file of 16 KiB.
    Read,
    /// A line is appended to a log.
    Append,
    /// The names in a directory of 1,000 files.
    List,
    /// A variable: what a request costs without files.
    NoFiles,
    /// The same, and the client sends the headers that Spin's trigger adds: what
    /// the guest gets is the same everywhere.
    NoFilesHeaders,
}

impl Case {
    pub(crate) const ALL: [Self; 5] = [Self::Read, Self::Append, Self::List, Self::NoFiles, Self::NoFilesHeaders];

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Read => "read 16 KiB",
            Self::Append => "append a line",
            Self::List => "list 1,000 files",
            Self::NoFiles => "no files",
            Self::NoFilesHeaders => "no files, Spin's headers",
        }
    }

    /// Whether a guest answers it.
    pub(crate) const fn is_for(self, guest: Guest) -> bool {
        !matches!((self, guest), (Self::NoFiles | Self::NoFilesHeaders, Guest::Wasi02))
    }

    /// Whether files are in it; what has none tells what bounds the others.
    pub(crate) const fn has_files(self) -> bool {
        !matches!(self, Self::NoFiles | Self::NoFilesHeaders)
    }

    /// The request, and the response that it must have. `log` is the name of a
    /// log of the cell's own.
    pub(crate) fn ask(self, guest: Guest, log: &str) -> Ask {
        match self {
            Self::Read => Ask::get(path(guest, "read", FILE), CONTENT.clone()),
            Self::Append => {
                // The one guest ends lines, the other takes what comes.
                let body = match guest {
                    Guest::Spin7 => LINE.to_owned(),
                    Guest::Wasi02 => format!("{LINE}\n"),
                };
                Ask::post(path(guest, "append", log), body.into())
            }
            Self::List => Ask::get(path(guest, "list", DIRECTORY), NAMES.clone()),
            Self::NoFiles => variable(),
            Self::NoFilesHeaders => variable().with(SPIN_HEADERS),
        }
    }
}

fn variable() -> Ask {
    Ask::get(format!("/env?name={}", VARIABLE.0), format!("{}\n", VARIABLE.1).into())
}

/// The request for a whole log.
pub(crate) fn log(guest: Guest, log: &str) -> String {
    path(guest, "read", log)
}

fn path(guest: Guest, what: &str, file: &str) -> String {
    match guest {
        Guest::Spin7 => format!("/{what}?path={ROOT}/{file}"),
        Guest::Wasi02 => format!("{ROOT}/{file}"),
    }
}

/// How many lines a log has.
///
/// # Errors
/// Where it has anything else than whole lines.
pub(crate) fn lines(log: &Bytes) -> Result<u64> {
    let mut count = 0;
    for line in log.split_inclusive(|byte| *byte == b'\n') {
        let is_whole = line.strip_suffix(b"\n") == Some(LINE.as_bytes());
        ensure!(is_whole, "line {count} of the log is {:?}", String::from_utf8_lossy(line));
        count += 1;
    }
    Ok(count)
}
