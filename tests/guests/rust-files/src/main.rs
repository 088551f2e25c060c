//! A guest that uses files as an ordinary Rust program does: `std` alone.
//! Built for WASI 0.2 (a component) and WASI 0.1 (a core module).
//!
//! ```text
//! rust-files all [DIR [COUNT]]       create, use, verify and remove a tree
//! rust-files create|verify|remove DIR COUNT     the same in separate runs
//! rust-files write-loop FILE N       appends N numbered lines
//! rust-files follow FILE N           reads until it has seen N lines
//! rust-files trap FILE               writes a file, then aborts
//! rust-files spin FILE SECONDS       writes a file, then sleeps
//! rust-files exit CODE | cat FILE | env
//! ```

mod content;
mod operations;
mod process;
mod sharing;
mod tree;

use std::path::PathBuf;
use std::process::ExitCode;

/// What a failed check says; the process then exits with 1.
type Outcome = Result<(), String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.first().map(String::as_str) {
        None | Some("all") => all(&arguments),
        Some("create") => directory(&arguments).and_then(|(d, n)| tree::create(&d, n)),
        Some("verify") => directory(&arguments).and_then(|(d, n)| tree::verify(&d, n)),
        Some("remove") => directory(&arguments).and_then(|(d, n)| tree::remove(&d, n)),
        Some("write-loop") => file(&arguments).and_then(|(f, n)| sharing::write_loop(&f, n)),
        Some("follow") => file(&arguments).and_then(|(f, n)| sharing::follow(&f, n)),
        Some("trap") => file(&arguments).and_then(|(f, _)| process::trap(&f)),
        Some("spin") => file(&arguments).and_then(|(f, n)| process::spin(&f, n)),
        Some("cat") => file(&arguments).and_then(|(f, _)| process::cat(&f)),
        Some("env") => process::environment(),
        Some("exit") => process::exit(arguments.get(1)),
        Some(other) => Err(format!("unknown subcommand {other}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("rust-files: {message}");
            ExitCode::FAILURE
        }
    }
}

fn all(arguments: &[String]) -> Outcome {
    let (directory, count) = directory(arguments)?;
    tree::create(&directory, count)?;
    tree::verify(&directory, count)?;
    operations::all(&directory.join("operations"))?;
    tree::verify(&directory, count)?;
    tree::remove(&directory, count)
}

fn directory(arguments: &[String]) -> Result<(PathBuf, u32), String> {
    let directory = arguments.get(1).map_or("/rust-files", String::as_str);
    Ok((PathBuf::from(directory), number(arguments.get(2), 5000)?))
}

fn file(arguments: &[String]) -> Result<(PathBuf, u32), String> {
    let file = arguments.get(1).ok_or("a file name is missing")?;
    Ok((PathBuf::from(file), number(arguments.get(2), 100)?))
}

fn number(argument: Option<&String>, default: u32) -> Result<u32, String> {
    argument.map_or(Ok(default), |text| text.parse().map_err(|error| format!("{text} is no number: {error}")))
}
