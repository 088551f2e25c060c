//! Measures one case of file access from within a WASI 0.2 guest:
//!
//! ```text
//! bench-guest CASE SIZE COUNT DIR [FILE]
//! bench-guest list
//! ```
//!
//! SIZE is the number of bytes of one call, COUNT the number of calls, DIR an
//! existing directory, FILE a name in it (default `bench`) by which several
//! instances share a file or keep apart. What a case needs is prepared before
//! the clock starts, and what it leaves is removed after it stops; the large
//! file stays. `BENCH_FILE_BYTES` is its size, 64 MiB by default.

mod large;
mod memory;
mod metadata;
mod output;
mod raw;
mod report;
mod small;
mod streams;

use std::time::Instant;

use report::{Case, Measured, Outcome};

type Run = fn(&Case) -> Outcome;

const CASES: &[(&str, Run)] = &[
    ("nothing", nothing),
    ("print-lines", output::lines),
    ("print-blocks", output::blocks),
    ("memcpy", memory::copy),
    ("memcpy-write", memory::copy_out),
    ("memcpy-random", memory::copy_random),
    ("prepare", large::prepare),
    ("seq-read", large::read),
    ("seq-write", large::write),
    ("seq-write-fresh", large::write_fresh),
    ("random-read", large::random_read),
    ("append", large::append),
    ("raw-read", raw::read),
    ("raw-write", raw::write),
    ("raw-write-fresh", raw::write_fresh),
    ("raw-random-read", raw::random_read),
    ("stream-read", streams::read),
    ("stream-write", streams::write),
    ("stream-append", streams::append),
    ("small-write", small::write),
    ("small-read", small::read),
    ("raw-small-write", small::raw_write),
    ("raw-small-read", small::raw_read),
    ("create", metadata::create),
    ("stat", metadata::stat),
    ("raw-stat", metadata::raw_stat),
    ("open", metadata::open),
    ("raw-open", metadata::raw_open),
    ("open-stat", metadata::open_stat),
    ("raw-open-stat", metadata::raw_open_stat),
    ("rename", metadata::rename),
    ("unlink", metadata::unlink),
    ("mkdir", metadata::mkdir),
    ("rmdir", metadata::rmdir),
    ("readdir", metadata::readdir),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|argument| argument == "list") {
        for (name, _) in CASES {
            println!("{name}");
        }
        return;
    }
    let case = Case::from(&arguments);
    match CASES.iter().find(|(name, _)| *name == case.name) {
        Some((_, run)) => match run(&case) {
            Ok(measured) => report::tell(&case, &measured),
            Err(error) => report::stop(&format!("{}: {error}", case.name)),
        },
        None => report::stop(&format!("no case is called {}; see `bench-guest list`", case.name)),
    }
}

/// For whoever measures from outside what it takes to start.
fn nothing(_: &Case) -> Outcome {
    Ok(Measured::since(Instant::now(), 0, 1))
}
