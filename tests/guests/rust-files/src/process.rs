//! What a host shows of a process: exit codes, traps, environment, stdio, and
//! what becomes of files when the guest ends badly.

use std::fs;
use std::io::{Write, stdout};
use std::path::Path;
use std::time::Duration;

use crate::Outcome;
use crate::tree::at;

/// The file must be there afterwards, although the guest trapped.
pub fn trap(path: &Path) -> Outcome {
    at("write", path, fs::write(path, "written before the trap\n"))?;
    println!("rust-files: about to trap");
    std::process::abort()
}

/// Says `ready`, then sleeps: for tests that interrupt the host.
pub fn spin(path: &Path, seconds: u32) -> Outcome {
    at("write", path, fs::write(path, "written before the wait\n"))?;
    println!("rust-files: ready");
    at("flush", path, stdout().flush())?;
    std::thread::sleep(Duration::from_secs(u64::from(seconds)));
    println!("rust-files: done");
    Ok(())
}

pub fn cat(path: &Path) -> Outcome {
    let bytes = at("read", path, fs::read(path))?;
    at("print", path, stdout().write_all(&bytes))
}

pub fn environment() -> Outcome {
    for (name, value) in std::env::vars() {
        println!("{name}={value}");
    }
    Ok(())
}

pub fn exit(code: Option<&String>) -> Outcome {
    let code = code.and_then(|text| text.parse().ok());
    std::process::exit(code.ok_or("a number from 0 to 125 is missing")?)
}
