//! The indexer: a command that the trigger runs every few seconds over the same
//! volume as the web component. It writes a summary of all files to
//! `.index.json`, and removes uploads that a kill has left behind.
//!
//! The directory is its argument, `/data` by default. What does not live here:
//! who reads the summary.

mod leftovers;
mod summary;
mod walk;

use std::path::PathBuf;
use std::process::ExitCode;

use summary::Summary;

fn main() -> ExitCode {
    let root = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "/data".into()));
    let done = leftovers::remove(&root).and_then(|()| {
        let mut summary = Summary::default();
        walk::files(&root, |file| summary.add(file))?;
        summary.write(&root)
    });
    match done {
        Ok(true) => println!("indexer: wrote the summary"),
        // Nothing has changed: an app at rest writes nothing.
        Ok(false) => {}
        Err(error) => {
            eprintln!("indexer: {}: {error}", root.display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
