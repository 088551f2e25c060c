//! Runs a command component over a fresh Larder volume:
//! `cargo run --release --example embed -- APP.wasm [ARGS…]`
#![allow(clippy::print_stdout, reason = "an example prints")]
use larder_wasmtime::larder_core::{Rights, View, Volume, VolumeOptions};
use larder_wasmtime::{LarderCtx, State};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Result, Store};
use wasmtime_wasi::{WasiCtx, p2::bindings::sync::Command};

fn main() -> Result<()> {
    let view = View::new(&Volume::new(VolumeOptions::default()), Rights::READ_WRITE)?;
    let engine = Engine::new(&larder_wasmtime::engine_config(false))?;
    let mut linker = Linker::new(&engine);
    larder_wasmtime::p2::add_to_linker_sync(&mut linker)?;

    let args: Vec<String> = std::env::args().skip(1).collect();
    let app = Component::from_file(&engine, args.first().map_or("app.wasm", String::as_str))?;
    let wasi = WasiCtx::builder().inherit_stdio().args(&args).build();
    let larder = LarderCtx::new().mount(view.clone(), "/");
    let mut store = Store::new(&engine, State::new(wasi, larder));
    let result = Command::instantiate(&mut store, &app, &linker)?.wasi_cli_run().call_run(&mut store);

    for entry in view.root()?.read_directory(0, usize::MAX)? {
        println!("/{}", entry.name);
    }
    result?.map_err(|()| wasmtime::Error::msg("the app failed"))
}
