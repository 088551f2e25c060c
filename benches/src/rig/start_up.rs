//! Starting: a precompiled component is read from its file, linked,
//! instantiated and run to its end, as `wasmtime run` does it. Compiling, and
//! starting the process, are not in it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tempfile::TempDir;
use wasmtime::component::Component;
use wasmtime::{Engine, Store};

use super::clock::processor_time;
use super::guest::{Sample, quiet, runtime};
use super::{Contestant, Ground, Rig, command, compose, into_anyhow, wasmtime_linker};
use crate::cases::{Case, On};

const FILE: &str = "guest.cwasm";

/// Compiles a contestant's component, as `wasmtime compile` does, into a file
/// of the directory that is returned.
///
/// # Errors
/// When composing or compiling fails, or the file cannot be written.
pub(super) fn precompile(rig: &Rig, contestant: Contestant, case: &Case) -> Result<TempDir> {
    let linked = rig.linked(case.wasi)?;
    let directory = tempfile::Builder::new().prefix("larder-benches-").tempdir()?;
    let code = if contestant.is_composed() {
        let image = (case.on == On::Tree).then(compose::tree).transpose()?;
        let component = compose::guest(&linked.bytes, contestant, image)?;
        linked.engine.precompile_component(&component).map_err(into_anyhow)?
    } else {
        linked.engine.precompile_component(&linked.bytes).map_err(into_anyhow)?
    };
    fs::write(directory.path().join(FILE), code)?;
    Ok(directory)
}

/// Starts the guest as often as `case` says.
///
/// # Errors
/// When the guest fails.
pub(super) fn run(rig: &Rig, ground: &Ground, case: &Case) -> Result<Sample> {
    let file = ground.precompiled()?.join(FILE);
    let linker = wasmtime_linker(&rig.linked(case.wasi)?.engine, case.wasi)?;
    let runtime = runtime()?;
    let (mut wall, mut processor) = (Duration::ZERO, 0);
    for _ in 0..case.count {
        let state = quiet(ground, case)?;
        let (start, before) = (Instant::now(), processor_time());
        let component = read(linker.engine(), &file)?;
        let command = command(&linker, &component, case.wasi)?;
        let mut store = Store::new(linker.engine(), state);
        let ended = runtime.block_on(command.run(&mut store)).map_err(into_anyhow)?;
        wall += start.elapsed();
        processor += processor_time().saturating_sub(before);
        ensure!(ended.is_ok(), "the guest failed");
    }
    let operations = case.count as u64;
    Ok(Sample {
        bytes: 0,
        operations,
        calls: operations,
        nanoseconds: u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX).max(1),
        processor_nanoseconds: processor,
    })
}

fn read(engine: &Engine, file: &Path) -> Result<Component> {
    #[expect(unsafe_code, reason = "code runs as it is in the file, which `precompile` made with the same engine")]
    // SAFETY: the file is this process's own, in a directory that only this user can enter.
    let component = unsafe { Component::deserialize_file(engine, file) };
    component.map_err(into_anyhow)
}
