//! Running instances of the guest, one or several at a time.

use std::fs::OpenOptions;
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use larder_wasmtime::{LarderCtx, LarderCtxView, LarderView};
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};
use wasmtime::Store;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::cli::OutputFile;
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use super::clock::{Clock, Start};
use super::{Command, Ground, Rig, node, start_up};
use crate::cases::{Case, Group, LARGE_FILE};

/// Most output that a guest may have: its line is far below.
const OUTPUT: usize = 64 << 10;

/// A store's data, of all contestants.
pub(super) struct State {
    table: ResourceTable,
    wasi: WasiCtx,
    larder: LarderCtx,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl LarderView for State {
    fn larder(&mut self) -> LarderCtxView<'_> {
        LarderCtxView { ctx: &mut self.larder, table: &mut self.table }
    }
}

/// One repetition; of all instances together when there are several.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Sample {
    pub(crate) bytes: u64,
    /// Operations of the size that was asked for.
    pub(crate) operations: u64,
    /// Operations that the guest needed for them.
    pub(crate) calls: u64,
    /// From the common start to the end of the last instance.
    pub(crate) nanoseconds: u64,
    /// Processor time of the process meanwhile; 0 under Node, where it is not
    /// taken.
    pub(crate) processor_nanoseconds: u64,
}

/// The line that the guest prints.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    bytes: u64,
    ops: u64,
    nanoseconds: u64,
}

impl Line {
    /// What one guest says, where the host has taken no times.
    pub(super) fn sample(&self, case: &Case) -> Sample {
        Sample {
            bytes: self.bytes,
            operations: operations(case, self.bytes, self.ops),
            calls: self.ops,
            nanoseconds: self.nanoseconds.max(1),
            processor_nanoseconds: 0,
        }
    }
}

/// Operations of the size that was asked for: a host may answer a call with
/// less.
fn operations(case: &Case, bytes: u64, calls: u64) -> u64 {
    if bytes > 0 { bytes / case.size as u64 } else { calls }
}

impl Rig {
    /// Makes the large files of a case whose instances would otherwise all
    /// begin with making them.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(crate) fn prepare(&self, ground: &Ground, case: &Case) -> Result<()> {
        let Some(preparation) = case.preparation() else { return Ok(()) };
        for number in 0..case.threads {
            let clock = Clock::new(&Start::of(1));
            self.instance(ground, &clock, case, &arguments(&preparation, "prepare", number))?;
        }
        Ok(())
    }

    /// Runs the guest's case `name` as `case` says, once.
    ///
    /// # Errors
    /// When a guest fails; its standard error is in the message.
    pub(crate) fn run(&self, ground: &Ground, case: &Case, name: &str) -> Result<Sample> {
        match case.group {
            Group::StartUp => return start_up::run(self, ground, case),
            Group::Node => return node::run(self, ground, case, name),
            _ => {}
        }
        let start = Start::of(case.threads);
        let one = |number: usize| {
            let clock = Clock::new(&start);
            let run = self.instance(ground, &clock, case, &arguments(case, name, number));
            start.give_up(&clock);
            let section = clock.section();
            run.and_then(|line| Ok((line, section.context("the guest never read its clock")?)))
                .with_context(|| format!("{name} of {:?} failed", ground.contestant))
        };
        let done = if case.threads == 1 {
            vec![one(0)?]
        } else {
            thread::scope(|scope| {
                let running: Vec<_> = (0..case.threads).map(|number| scope.spawn(move || one(number))).collect();
                let joined =
                    running.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?);
                joined.collect::<Result<Vec<_>>>()
            })?
        };
        let nanoseconds = match done.as_slice() {
            [(line, _)] => line.nanoseconds,
            several => {
                let began = several.iter().map(|(_, section)| section.began).min().unwrap_or_default();
                let ended = several.iter().map(|(_, section)| section.ended).max().unwrap_or_default();
                ended - began
            }
        };
        let bytes: u64 = done.iter().map(|(line, _)| line.bytes).sum();
        let calls = done.iter().map(|(line, _)| line.ops).sum();
        Ok(Sample {
            bytes,
            operations: operations(case, bytes, calls),
            calls,
            nanoseconds: nanoseconds.max(1),
            processor_nanoseconds: done.iter().map(|(_, section)| section.processor).max().unwrap_or_default(),
        })
    }

    fn instance(&self, ground: &Ground, clock: &Clock, case: &Case, arguments: &[String]) -> Result<Line> {
        let linked = self.linked(case.wasi)?;
        let (stdout, stderr) = (MemoryOutputPipe::new(OUTPUT), MemoryOutputPipe::new(OUTPUT));
        let mut wasi = WasiCtx::builder();
        wasi.args(arguments).env("BENCH_FILE_BYTES", LARGE_FILE.to_string()).monotonic_clock(clock.clone());
        wasi.stdout(stdout.clone()).stderr(stderr.clone());
        if case.group == Group::Stdout {
            wasi.stdout(OutputFile::new(OpenOptions::new().write(true).open("/dev/null")?));
        }
        let mut store = Store::new(&linked.engine, state(ground, wasi)?);
        let ended = runtime()?.block_on(linked.command(ground.contestant)?.run(&mut store));
        drop(store);
        if !matches!(ended, Ok(Ok(()))) {
            let trap = ended.err().map(|error| format!("{error:#}")).unwrap_or_default();
            bail!("{trap} {}", String::from_utf8_lossy(&stderr.contents()).trim());
        }
        // A guest whose output is measured says on its standard error what it measured.
        let line = if case.group == Group::Stdout { stderr } else { stdout };
        Ok(serde_json::from_slice(&line.contents())?)
    }
}

fn state(ground: &Ground, mut wasi: WasiCtxBuilder) -> Result<State> {
    let larder = ground.mount(&mut wasi)?;
    Ok(State { table: ResourceTable::new(), wasi: wasi.build(), larder })
}

/// For an instance of which nobody reads what it prints.
pub(super) fn quiet(ground: &Ground, case: &Case) -> Result<State> {
    let mut wasi = WasiCtx::builder();
    wasi.args(&arguments(case, case.guest, 0));
    state(ground, wasi)
}

impl Command {
    /// Runs a new instance to its end.
    pub(super) async fn run(&self, store: &mut Store<State>) -> wasmtime::Result<Result<(), ()>> {
        match self {
            Self::P2(command) => {
                let command = command.instantiate_async(&mut *store).await?;
                command.wasi_cli_run().call_run(store).await
            }
            Self::P3(command) => {
                let command = command.instantiate_async(&mut *store).await?;
                store.run_concurrent(async |accessor| command.wasi_cli_run().call_run(accessor).await).await?
            }
        }
    }
}

/// What the guest's command line is for one of several instances.
pub(super) fn arguments(case: &Case, name: &str, number: usize) -> [String; 6] {
    let (size, count) = (case.size.to_string(), case.count.to_string());
    ["bench-guest", name, &size, &count, "/", &case.file(number)].map(str::to_owned)
}

/// A runtime of this thread, which Wasmtime's own filesystem needs for its
/// helper threads.
pub(super) fn runtime() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}
