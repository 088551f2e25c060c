//! Running commands in the process of the test, through the library.

use larder_wasmtime::{LarderCtx, LarderCtxView, LarderView};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::p2::bindings::sync::Command;
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{I32Exit, WasiCtx, WasiCtxView, WasiView};

use crate::built;

/// Bytes of output that are kept.
const OUTPUT: usize = 16 << 20;

/// A compiled command of WASI 0.2.
pub struct App {
    engine: Engine,
    component: Component,
    linker: Linker<Data>,
}

struct Data {
    wasi: WasiCtx,
    larder: LarderCtx,
    table: ResourceTable,
}

impl WasiView for Data {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl LarderView for Data {
    fn larder(&mut self) -> LarderCtxView<'_> {
        LarderCtxView { ctx: &mut self.larder, table: &mut self.table }
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// Whether the command succeeded, or the trap.
    pub result: Result<bool, String>,
    /// Standard output and standard error, as they came.
    pub output: String,
}

impl App {
    /// Compiles a guest.
    ///
    /// # Panics
    /// Where it is not there or is no component.
    #[must_use]
    pub fn of(guest: &str) -> Self {
        let engine = Engine::new(&larder_wasmtime::engine_config(false)).unwrap();
        let component = Component::from_file(&engine, built::guest(guest)).unwrap();
        let mut linker = Linker::new(&engine);
        larder_wasmtime::p2::add_to_linker_sync(&mut linker).unwrap();
        Self { engine, component, linker }
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// Where it cannot be instantiated.
    #[must_use]
    pub fn run(&self, larder: LarderCtx, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
        let output = MemoryOutputPipe::new(OUTPUT);
        let mut wasi = WasiCtx::builder();
        wasi.stdout(output.clone()).stderr(output.clone()).arg("app").args(arguments).envs(environment);
        let data = Data { wasi: wasi.build(), larder, table: ResourceTable::new() };
        let mut store = Store::new(&self.engine, data);
        let command = Command::instantiate(&mut store, &self.component, &self.linker).unwrap();
        let result = match command.wasi_cli_run().call_run(&mut store) {
            Ok(result) => Ok(result.is_ok()),
            Err(error) => match error.downcast_ref::<I32Exit>() {
                Some(exit) => Ok(exit.0 == 0),
                None => Err(format!("{error:?}")),
            },
        };
        drop(store);
        Ended { result, output: String::from_utf8_lossy(&output.contents()).into_owned() }
    }
}
