//! Guests written as core modules in the text format, so that a test says
//! exactly what crosses the border.
#![allow(dead_code, clippy::unwrap_used, clippy::missing_panics_doc, missing_docs, unreachable_pub)]

use std::sync::Arc;

use larder_wasmtime::larder_core::{Rights, View, Volume, VolumeOptions};
use larder_wasmtime::{LarderCtx, State};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

pub const WIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit");

const WORLD: &str = "package test:guest;
world guest { include wasi:cli/imports@0.2.12; export run: func() -> u32; }";

/// Imports, memory and a bump allocator. `$root` is the first preopen;
/// `$answer` (address 16) is where results are returned.
const PRELUDE: &str = r#"
(import "wasi:filesystem/preopens@0.2.12" "get-directories" (func $get-directories (param i32)))
(import "wasi:filesystem/types@0.2.12" "[method]descriptor.open-at" (func $open-at (param i32 i32 i32 i32 i32 i32 i32)))
(import "wasi:filesystem/types@0.2.12" "[method]descriptor.read" (func $read (param i32 i64 i64 i32)))
(import "wasi:filesystem/types@0.2.12" "[method]descriptor.write" (func $write (param i32 i32 i32 i64 i32)))
(import "wasi:filesystem/types@0.2.12" "[method]descriptor.read-via-stream" (func $read-via-stream (param i32 i64 i32)))
(import "wasi:filesystem/types@0.2.12" "[method]descriptor.write-via-stream" (func $write-via-stream (param i32 i64 i32)))
(import "wasi:filesystem/types@0.2.12" "[method]descriptor.append-via-stream" (func $append-via-stream (param i32 i32)))
(import "wasi:filesystem/types@0.2.12" "[method]descriptor.read-directory" (func $read-directory (param i32 i32)))
(import "wasi:filesystem/types@0.2.12" "[method]directory-entry-stream.read-directory-entry" (func $read-directory-entry (param i32 i32)))
(import "wasi:filesystem/types@0.2.12" "[method]descriptor.create-directory-at" (func $mkdir (param i32 i32 i32 i32)))
(import "wasi:filesystem/types@0.2.12" "[method]descriptor.unlink-file-at" (func $unlink (param i32 i32 i32 i32)))
(import "wasi:filesystem/types@0.2.12" "[resource-drop]descriptor" (func $drop (param i32)))
(import "wasi:filesystem/types@0.2.12" "filesystem-error-code" (func $filesystem-error-code (param i32 i32)))
(import "wasi:io/streams@0.2.12" "[method]input-stream.read" (func $stream-read (param i32 i64 i32)))
(import "wasi:io/streams@0.2.12" "[method]input-stream.blocking-read" (func $stream-blocking-read (param i32 i64 i32)))
(import "wasi:io/streams@0.2.12" "[method]input-stream.skip" (func $stream-skip (param i32 i64 i32)))
(import "wasi:io/streams@0.2.12" "[method]output-stream.check-write" (func $check-write (param i32 i32)))
(import "wasi:io/streams@0.2.12" "[method]output-stream.write" (func $stream-write (param i32 i32 i32 i32)))
(import "wasi:io/streams@0.2.12" "[method]output-stream.write-zeroes" (func $write-zeroes (param i32 i64 i32)))
(import "wasi:io/streams@0.2.12" "[method]output-stream.blocking-write-and-flush" (func $stream-blocking-write (param i32 i32 i32 i32)))
(import "wasi:io/streams@0.2.12" "[method]output-stream.blocking-flush" (func $blocking-flush (param i32 i32)))
(import "wasi:io/streams@0.2.12" "[method]output-stream.blocking-splice" (func $blocking-splice (param i32 i32 i64 i32)))
(import "wasi:io/streams@0.2.12" "[resource-drop]input-stream" (func $drop-input (param i32)))
(import "wasi:io/streams@0.2.12" "[resource-drop]output-stream" (func $drop-output (param i32)))
(import "wasi:cli/stdin@0.2.12" "get-stdin" (func $get-stdin (result i32)))
(import "wasi:cli/stdout@0.2.12" "get-stdout" (func $get-stdout (result i32)))
(memory (export "memory") 1024)
(global $next (mut i32) (i32.const 1048576))
(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
  (local $at i32)
  (local.set $at (i32.and (i32.add (global.get $next) (i32.const 15)) (i32.const -16)))
  (global.set $next (i32.add (local.get $at) (local.get 3)))
  (local.get $at))
(func $byte (param i32) (result i32) (i32.load8_u (i32.add (i32.const 16) (local.get 0))))
(func $word (param i32) (result i32) (i32.load (i32.add (i32.const 16) (local.get 0))))
(func $expect-ok (if (call $byte (i32.const 0)) (then unreachable)))
(func $root (result i32)
  (call $get-directories (i32.const 16))
  (i32.load (call $word (i32.const 0))))
;; Opens the path at $path; $how: open flags; all of reading and writing.
(func $open (param $path i32) (param $len i32) (param $how i32) (result i32)
  (call $open-at (call $root) (i32.const 1) (local.get $path) (local.get $len) (local.get $how) (i32.const 3) (i32.const 16))
  (call $expect-ok)
  (call $word (i32.const 4)))
"#;

pub fn volume() -> Arc<Volume> {
    Volume::new(VolumeOptions::default())
}

pub fn guest(volume: &Arc<Volume>, stdin: &'static str, stdout: &MemoryOutputPipe) -> State {
    let wasi = WasiCtx::builder().stdin(MemoryInputPipe::new(stdin)).stdout(stdout.clone()).build();
    State::new(wasi, LarderCtx::new().mount(View::new(volume, Rights::READ_WRITE).unwrap(), "/"))
}

/// A component of the prelude and `body`, which defines `run`.
pub fn component(body: &str) -> Vec<u8> {
    component_of(WORLD, &format!("{PRELUDE} {body}"))
}

/// A component of a whole module for the world `guest` of a WIT text.
pub fn component_of(wit: &str, module: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve.push_dir(WIT).unwrap();
    let package = resolve.push_str("guest.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some("guest")).unwrap();
    let mut module = wat::parse_str(format!("(module {module})")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

/// Runs a guest in an ordinary store.
pub fn run_in(guest: State, body: &str) -> wasmtime::Result<u32> {
    let engine = Engine::new(&larder_wasmtime::engine_config(false))?;
    let mut linker = Linker::new(&engine);
    larder_wasmtime::p2::add_to_linker_sync(&mut linker)?;
    let mut store = Store::new(&engine, guest);
    let component = Component::new(&engine, component(body))?;
    let instance = linker.instantiate(&mut store, &component)?;
    let run = instance.get_typed_func::<(), (u32,)>(&mut store, "run")?;
    Ok(run.call(&mut store, ())?.0)
}

/// Runs a guest in an asynchronous store, of an engine for 0.3 or not.
pub fn run_async_in(guest: State, body: &str, p3: bool) -> wasmtime::Result<u32> {
    let engine = Engine::new(&larder_wasmtime::engine_config(p3))?;
    let mut linker = Linker::new(&engine);
    larder_wasmtime::add_to_linker(&mut linker)?;
    let component = Component::new(&engine, component(body))?;
    wasmtime_wasi::runtime::in_tokio(async {
        let mut store = Store::new(&engine, guest);
        let instance = linker.instantiate_async(&mut store, &component).await?;
        let run = instance.get_typed_func::<(), (u32,)>(&mut store, "run")?;
        Ok(run.call_async(&mut store, ()).await?.0)
    })
}

/// Runs a guest that needs nothing but a volume.
pub fn run(volume: &Arc<Volume>, body: &str) -> wasmtime::Result<u32> {
    run_in(guest(volume, "", &MemoryOutputPipe::new(0)), body)
}
