//! The streams of WASI 0.3 over files.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::sync::Arc;

use larder_wasmtime::larder_core::{Descriptor, DescriptorFlags, Follow, OpenFlags, Rights, Timestamp, View, Volume};
use support::{component_of, guest, volume};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;

const WORLD: &str = "package test:guest;
world guest { include wasi:cli/imports@0.3.0; export run: async func() -> u32; }";

const PRELUDE: &str = r#"
(import "wasi:filesystem/preopens@0.3.0" "get-directories" (func $get-directories (param i32)))
(import "wasi:filesystem/types@0.3.0" "[method]descriptor.open-at" (func $open-at (param i32 i32 i32 i32 i32 i32 i32)))
(import "wasi:filesystem/types@0.3.0" "[method]descriptor.read-via-stream" (func $read-via-stream (param i32 i64 i32)))
(import "wasi:filesystem/types@0.3.0" "[stream-read-0][method]descriptor.read-via-stream" (func $read (param i32 i32 i32) (result i32)))
(import "wasi:filesystem/types@0.3.0" "[future-read-1][method]descriptor.read-via-stream" (func $read-ended (param i32 i32) (result i32)))
(import "wasi:filesystem/types@0.3.0" "[method]descriptor.write-via-stream" (func $write-via-stream (param i32 i32 i64) (result i32)))
(import "wasi:filesystem/types@0.3.0" "[stream-new-0][method]descriptor.write-via-stream" (func $new (result i64)))
(import "wasi:filesystem/types@0.3.0" "[stream-write-0][method]descriptor.write-via-stream" (func $write (param i32 i32 i32) (result i32)))
(import "wasi:filesystem/types@0.3.0" "[stream-drop-writable-0][method]descriptor.write-via-stream" (func $finish (param i32)))
(import "wasi:filesystem/types@0.3.0" "[future-read-1][method]descriptor.write-via-stream" (func $write-ended (param i32 i32) (result i32)))
(import "wasi:filesystem/types@0.3.0" "[method]descriptor.read-directory" (func $read-directory (param i32 i32)))
(import "wasi:filesystem/types@0.3.0" "[stream-read-0][method]descriptor.read-directory" (func $list (param i32 i32 i32) (result i32)))
(memory (export "memory") 1024)
(global $next (mut i32) (i32.const 16777216))
(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
  (local $at i32)
  (local.set $at (i32.and (i32.add (global.get $next) (i32.const 15)) (i32.const -16)))
  (global.set $next (i32.add (local.get $at) (local.get 3)))
  (local.get $at))
(func $root (result i32)
  (call $get-directories (i32.const 16))
  (i32.load (i32.load (i32.const 16))))
(func $open (param $path i32) (param $len i32) (param $how i32) (param $flags i32) (result i32)
  (call $open-at (call $root) (i32.const 1) (local.get $path) (local.get $len) (local.get $how) (local.get $flags) (i32.const 16))
  (if (i32.load8_u (i32.const 16)) (then unreachable))
  (i32.load (i32.const 20)))
"#;

fn run(volume: &Arc<Volume>, body: &str) -> wasmtime::Result<u32> {
    let mut config = larder_wasmtime::engine_config(true);
    // The guests below wait for streams as simply as can be.
    config.wasm_component_model_more_async_builtins(true);
    let engine = Engine::new(&config)?;
    let mut linker = Linker::new(&engine);
    larder_wasmtime::add_to_linker(&mut linker)?;
    let component = Component::new(&engine, component_of(WORLD, &format!("{PRELUDE} {body}")))?;
    wasmtime_wasi::runtime::in_tokio(async {
        let mut store = Store::new(&engine, guest(volume, "", &MemoryOutputPipe::new(0)));
        let instance = linker.instantiate_async(&mut store, &component).await?;
        let run = instance.get_typed_func::<(), (u32,)>(&mut store, "run")?;
        let (answer,) = store.run_concurrent(async move |store| run.call_concurrent(store, ()).await).await??;
        Ok(answer)
    })
}

fn open(volume: &Arc<Volume>, path: &str) -> Descriptor {
    let flags = DescriptorFlags::READ | DescriptorFlags::WRITE;
    let root = View::new(volume, Rights::READ_WRITE).unwrap().root().unwrap();
    root.open_at(Timestamp::UNIX_EPOCH, Follow::Yes, path, OpenFlags::CREATE, flags).unwrap()
}

#[test]
fn a_file_travels_through_streams() {
    let volume = volume();
    let bytes: Vec<u8> = (0..200_000_u32).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect();
    open(&volume, "from").write(Timestamp::UNIX_EPOCH, 0, &bytes).unwrap();
    // Reads all behind byte 1000 in pieces of 60,000, writes it at 5.
    let body = r#"(data (i32.const 64) "fromto")
      (func (export "run") (result i32)
        (local $stream i32) (local $ended i32) (local $code i32) (local $length i32) (local $ends i64)
        (call $read-via-stream (call $open (i32.const 64) (i32.const 4) (i32.const 0) (i32.const 1)) (i64.const 1000) (i32.const 16))
        (local.set $stream (i32.load (i32.const 16)))
        (local.set $ended (i32.load (i32.const 20)))
        (loop $more
          (local.set $code (call $read (local.get $stream) (i32.add (i32.const 1048576) (local.get $length)) (i32.const 60000)))
          (local.set $length (i32.add (local.get $length) (i32.shr_u (local.get $code) (i32.const 4))))
          (br_if $more (i32.eqz (i32.and (local.get $code) (i32.const 15)))))
        (drop (call $read-ended (local.get $ended) (i32.const 32)))
        (if (i32.load8_u (i32.const 32)) (then unreachable))
        (local.set $ends (call $new))
        (local.set $ended (call $write-via-stream
          (call $open (i32.const 68) (i32.const 2) (i32.const 1) (i32.const 2))
          (i32.wrap_i64 (local.get $ends))
          (i64.const 5)))
        (local.set $stream (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))))
        (local.set $code (call $write (local.get $stream) (i32.const 1048576) (local.get $length)))
        (if (i32.ne (i32.shr_u (local.get $code) (i32.const 4)) (local.get $length)) (then unreachable))
        (call $finish (local.get $stream))
        (i32.store8 (i32.const 32) (i32.const 9))
        (drop (call $write-ended (local.get $ended) (i32.const 32)))
        (if (i32.load8_u (i32.const 32)) (then unreachable))
        (local.get $length))"#;
    assert_eq!(run(&volume, body).unwrap(), 199_000);
    let written = open(&volume, "to").read(0, 1 << 20).unwrap().into_bytes();
    assert_eq!(written.get(..5).unwrap(), [0; 5]);
    assert_eq!(written.get(5..).unwrap(), bytes.get(1000..).unwrap());
}

#[test]
fn a_stream_that_is_not_allowed_says_so_in_its_future() {
    let volume = volume();
    drop(open(&volume, "file"));
    // Written through a descriptor that is open for reading.
    let body = r#"(data (i32.const 64) "file")
      (func (export "run") (result i32) (local $ends i64) (local $ended i32)
        (local.set $ends (call $new))
        (local.set $ended (call $write-via-stream
          (call $open (i32.const 64) (i32.const 4) (i32.const 0) (i32.const 1))
          (i32.wrap_i64 (local.get $ends))
          (i64.const 0)))
        (drop (call $write-ended (local.get $ended) (i32.const 32)))
        (if (i32.eqz (i32.load8_u (i32.const 32))) (then unreachable))
        (i32.load8_u (i32.const 36)))"#;
    // `bad-descriptor` is the third error code of 0.3.
    assert_eq!(run(&volume, body).unwrap(), 2);
}

#[test]
fn a_directory_is_listed_page_by_page() {
    let volume = volume();
    for number in 0..1000 {
        drop(open(&volume, &format!("file-{number}")));
    }
    let body = r#"(func (export "run") (result i32) (local $stream i32) (local $code i32) (local $count i32)
        (call $read-directory (call $root) (i32.const 16))
        (local.set $stream (i32.load (i32.const 16)))
        (loop $more
          (local.set $code (call $list (local.get $stream) (i32.const 1048576) (i32.const 300)))
          (local.set $count (i32.add (local.get $count) (i32.shr_u (local.get $code) (i32.const 4))))
          (br_if $more (i32.eqz (i32.and (local.get $code) (i32.const 15)))))
        (local.get $count))"#;
    assert_eq!(run(&volume, body).unwrap(), 1000);
}
