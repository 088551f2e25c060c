//! What crosses the border between a guest and the store, byte by byte.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use larder_wasmtime::larder_core::{
    Descriptor, DescriptorFlags, ErrorCode, Follow, Limits, OpenFlags, Rights, Timestamp, View, Volume, VolumeOptions,
};
use std::sync::Arc;
use support::{guest, run, run_async_in, run_in, volume};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn open(volume: &Arc<Volume>, path: &str) -> Descriptor {
    let flags = DescriptorFlags::READ | DescriptorFlags::WRITE;
    let root = View::new(volume, Rights::READ_WRITE).unwrap().root().unwrap();
    root.open_at(NOW, Follow::Yes, path, OpenFlags::CREATE, flags).unwrap()
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect()
}

/// The number of an error code in the WIT's order.
fn number(code: ErrorCode) -> u32 {
    let at = ErrorCode::ALL.iter().position(|other| *other == code).unwrap();
    u32::try_from(at).unwrap()
}

#[test]
fn a_read_gathers_several_pieces_and_a_hole() {
    let volume = volume();
    let from = open(&volume, "from");
    from.write(NOW, 0, &pattern(100_000)).unwrap();
    from.write(NOW, 300_000, &pattern(100_000)).unwrap();
    let body = r#"(data (i32.const 64) "fromto")
      (func (export "run") (result i32) (local $from i32) (local $to i32)
        (local.set $from (call $open (i32.const 64) (i32.const 4) (i32.const 0)))
        (local.set $to (call $open (i32.const 68) (i32.const 2) (i32.const 1)))
        (call $read (local.get $from) (i64.const 380000) (i64.const 10000) (i32.const 16))
        (call $expect-ok)
        (if (call $byte (i32.const 12)) (then unreachable))
        (call $write (local.get $to) (call $word (i32.const 4)) (call $word (i32.const 8)) (i64.const 10000) (i32.const 16))
        (call $expect-ok)
        (call $word (i32.const 8)))"#;
    assert_eq!(run(&volume, body).unwrap(), 380_000);
    let (from, to) = (from.read(10_000, 380_000).unwrap(), open(&volume, "to").read(10_000, 380_000).unwrap());
    assert_eq!(from.into_bytes(), to.into_bytes());
}

#[test]
fn a_path_that_is_not_utf8_is_an_error_and_no_trap() {
    let body = r#"(data (i32.const 64) "a\ff\fe")
      (func (export "run") (result i32)
        (call $open-at (call $root) (i32.const 1) (i32.const 64) (i32.const 3) (i32.const 1) (i32.const 3) (i32.const 16))
        (if (i32.eqz (call $byte (i32.const 0))) (then unreachable))
        (call $byte (i32.const 4)))"#;
    assert_eq!(run(&volume(), body).unwrap(), number(ErrorCode::IllegalByteSequence));
}

#[test]
fn a_path_outside_of_memory_traps() {
    let body = r#"(func (export "run") (result i32)
        (call $open-at (call $root) (i32.const 1) (i32.const -4) (i32.const 8) (i32.const 1) (i32.const 3) (i32.const 16))
        (i32.const 0))"#;
    assert!(run(&volume(), body).is_err());
}

#[test]
fn huge_lengths_and_offsets_are_answered_without_allocating() {
    let volume = volume();
    open(&volume, "from").write(NOW, 0, &pattern(1000)).unwrap();
    let body = r#"(data (i32.const 64) "from")
      (func (export "run") (result i32) (local $file i32) (local $stream i32)
        (local.set $file (call $open (i32.const 64) (i32.const 4) (i32.const 0)))
        ;; all of it, and at the end
        (call $read (local.get $file) (i64.const -1) (i64.const 0) (i32.const 16))
        (call $expect-ok)
        (if (i32.ne (call $word (i32.const 8)) (i32.const 1000)) (then unreachable))
        (if (i32.eqz (call $byte (i32.const 12))) (then unreachable))
        ;; behind the end
        (call $read (local.get $file) (i64.const 0x8000000000000000) (i64.const -1) (i32.const 16))
        (call $expect-ok)
        (if (call $word (i32.const 8)) (then unreachable))
        ;; a stream that starts behind the end is closed
        (call $read-via-stream (local.get $file) (i64.const -1) (i32.const 16))
        (call $expect-ok)
        (local.set $stream (call $word (i32.const 4)))
        (call $stream-read (local.get $stream) (i64.const -1) (i32.const 16))
        (if (i32.eqz (i32.and (call $byte (i32.const 0)) (call $byte (i32.const 4)))) (then unreachable))
        (call $stream-read (local.get $stream) (i64.const 0) (i32.const 16))
        (call $expect-ok)
        ;; skipping everything
        (call $read-via-stream (local.get $file) (i64.const 10) (i32.const 16))
        (local.set $stream (call $word (i32.const 4)))
        (call $stream-skip (local.get $stream) (i64.const -1) (i32.const 16))
        (call $expect-ok)
        (if (i32.ne (call $word (i32.const 8)) (i32.const 990)) (then unreachable))
        ;; writing where no file can be that long
        (call $write (local.get $file) (i32.const 64) (i32.const 4) (i64.const -2) (i32.const 16))
        (if (i32.eqz (call $byte (i32.const 0))) (then unreachable))
        (call $byte (i32.const 8)))"#;
    assert_eq!(run(&volume, body).unwrap(), number(ErrorCode::FileTooLarge));
}

#[test]
fn a_failed_stream_tells_why_and_is_closed() {
    let limits = Limits { bytes: 64 << 10, ..Limits::default() };
    let volume = Volume::new(VolumeOptions { limits, ..VolumeOptions::default() });
    let body = r#"(data (i32.const 64) "file")
      (func (export "run") (result i32) (local $stream i32) (local $error i32)
        (call $write-via-stream (call $open (i32.const 64) (i32.const 4) (i32.const 1)) (i64.const 0) (i32.const 16))
        (call $expect-ok)
        (local.set $stream (call $word (i32.const 4)))
        (call $stream-write (local.get $stream) (i32.const 0) (i32.const 200000) (i32.const 16))
        (if (i32.eqz (call $byte (i32.const 0))) (then unreachable))
        (if (call $byte (i32.const 4)) (then unreachable))
        (local.set $error (call $word (i32.const 8)))
        ;; closed from now on
        (call $check-write (local.get $stream) (i32.const 16))
        (if (i32.eqz (i32.and (call $byte (i32.const 0)) (call $byte (i32.const 8)))) (then unreachable))
        (call $filesystem-error-code (local.get $error) (i32.const 16))
        (if (i32.eqz (call $byte (i32.const 0))) (then unreachable))
        (call $byte (i32.const 1)))"#;
    assert_eq!(run(&volume, body).unwrap(), number(ErrorCode::InsufficientSpace));
}

#[test]
fn zeros_are_written_within_the_permit_and_trap_above() {
    let body = |count: u32| {
        format!(
            r#"(data (i32.const 64) "file")
      (func (export "run") (result i32)
        (call $append-via-stream (call $open (i32.const 64) (i32.const 4) (i32.const 1)) (i32.const 16))
        (call $write-zeroes (call $word (i32.const 4)) (i64.const {count}) (i32.const 16))
        (call $byte (i32.const 0)))"#
        )
    };
    let volume = volume();
    assert_eq!(run(&volume, &body(3_000_000)).unwrap(), 0);
    assert_eq!(open(&volume, "file").stat().unwrap().size, 3_000_000);
    assert!(run(&volume, &body(5_000_000)).is_err());
    assert!(run(&volume, &body(u32::MAX)).is_err());
}

/// Copies standard input to a file and the file to standard output.
const PIPES: &str = r#"(data (i32.const 64) "file")
  (func (export "run") (result i32) (local $file i32) (local $stream i32) (local $out i32)
    (local.set $file (call $open (i32.const 64) (i32.const 4) (i32.const 1)))
    (call $write-via-stream (local.get $file) (i64.const 0) (i32.const 16))
    (local.set $stream (call $word (i32.const 4)))
    (call $stream-blocking-read (call $get-stdin) (i64.const 100) (i32.const 16))
    (call $expect-ok)
    (call $stream-blocking-write (local.get $stream) (call $word (i32.const 4)) (call $word (i32.const 8)) (i32.const 16))
    (call $expect-ok)
    (call $blocking-flush (local.get $stream) (i32.const 16))
    (call $expect-ok)
    (call $drop-output (local.get $stream))
    (local.set $out (call $get-stdout))
    (call $read-via-stream (local.get $file) (i64.const 0) (i32.const 16))
    (local.set $stream (call $word (i32.const 4)))
    ;; four bytes by hand, the rest by splicing
    (call $stream-read (local.get $stream) (i64.const 4) (i32.const 16))
    (call $expect-ok)
    (call $stream-write (local.get $out) (call $word (i32.const 4)) (call $word (i32.const 8)) (i32.const 16))
    (call $expect-ok)
    (call $blocking-flush (local.get $out) (i32.const 16))
    (call $expect-ok)
    (call $blocking-splice (local.get $out) (local.get $stream) (i64.const -1) (i32.const 16))
    (call $expect-ok)
    (call $stream-blocking-write (local.get $out) (i32.const 64) (i32.const 4) (i32.const 16))
    (call $expect-ok)
    (call $drop-input (local.get $stream))
    (call $drop-output (local.get $out))
    (i32.const 7))"#;

#[test]
fn streams_that_are_not_files_work_as_before() {
    let volume = volume();
    let (sync, without, with) = (MemoryOutputPipe::new(100), MemoryOutputPipe::new(100), MemoryOutputPipe::new(100));
    assert_eq!(run_in(guest(&volume, "read from a pipe ", &sync), PIPES).unwrap(), 7);
    assert_eq!(run_async_in(guest(&volume, "read from a pipe ", &without), PIPES, false).unwrap(), 7);
    assert_eq!(run_async_in(guest(&volume, "read from a pipe ", &with), PIPES, true).unwrap(), 7);
    for out in [sync, without, with] {
        assert_eq!(out.contents(), "read from a pipe file");
    }
}

#[test]
fn a_listing_continues_behind_its_batch() {
    let volume = volume();
    for number in 0..1000 {
        drop(open(&volume, &format!("file-{number}")));
    }
    let body = r#"(func (export "run") (result i32) (local $stream i32) (local $count i32)
        (call $read-directory (call $root) (i32.const 16))
        (call $expect-ok)
        (local.set $stream (call $word (i32.const 4)))
        (loop $next
          (call $read-directory-entry (local.get $stream) (i32.const 16))
          (call $expect-ok)
          (if (call $byte (i32.const 4)) (then
            (local.set $count (i32.add (local.get $count) (i32.const 1)))
            (br $next))))
        (local.get $count))"#;
    assert_eq!(run(&volume, body).unwrap(), 1000);
}

#[test]
fn a_listing_ends_though_each_step_adds_a_name() {
    let volume = volume();
    for number in 0..300 {
        drop(open(&volume, &format!("file-{number}")));
    }
    let body = r#"(data (i32.const 64) "new-0000")
      (func (export "run") (result i32) (local $stream i32) (local $count i32) (local $root i32)
        (local.set $root (call $root))
        (call $read-directory (local.get $root) (i32.const 16))
        (local.set $stream (call $word (i32.const 4)))
        (loop $next
          (call $read-directory-entry (local.get $stream) (i32.const 16))
          (call $expect-ok)
          (if (call $byte (i32.const 4)) (then
            (local.set $count (i32.add (local.get $count) (i32.const 1)))
            ;; the count is a part of the name, in characters from `0` on
            (i32.store8 (i32.const 68) (i32.add (i32.const 48) (i32.and (local.get $count) (i32.const 63))))
            (i32.store8 (i32.const 69) (i32.add (i32.const 48) (i32.and (i32.shr_u (local.get $count) (i32.const 6)) (i32.const 63))))
            (call $mkdir (local.get $root) (i32.const 64) (i32.const 8) (i32.const 16))
            (call $expect-ok)
            (if (i32.gt_u (local.get $count) (i32.const 2000)) (then unreachable))
            (br $next))))
        ;; and stays ended
        (call $read-directory-entry (local.get $stream) (i32.const 16))
        (if (call $byte (i32.const 4)) (then unreachable))
        (local.get $count))"#;
    let listed = run(&volume, body).unwrap();
    assert!((300..600).contains(&listed), "{listed} entries listed");
}

#[test]
fn open_streams_are_bounded() {
    let volume = volume();
    drop(open(&volume, "file"));
    let body = r#"(data (i32.const 64) "file")
      (func (export "run") (result i32) (local $file i32) (local $count i32)
        (local.set $file (call $open (i32.const 64) (i32.const 4) (i32.const 0)))
        (loop $next
          (call $read-via-stream (local.get $file) (i64.const 0) (i32.const 16))
          (if (call $byte (i32.const 0)) (then (return (i32.add (local.get $count) (call $byte (i32.const 4))))))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (br $next))
        unreachable)"#;
    let streams = u32::try_from(larder_wasmtime::limits::MAX_STREAMS).unwrap();
    assert_eq!(run(&volume, body).unwrap(), streams + number(ErrorCode::Quota));
    assert_eq!(volume.usage().open_handles, 0, "all are closed with the store");
}

#[test]
fn a_stream_keeps_its_file_open() {
    let volume = volume();
    open(&volume, "file").write(NOW, 0, b"kept").unwrap();
    let mut guest = guest(&volume, "", &MemoryOutputPipe::new(0));
    guest.table.set_max_capacity(8);
    let body = r#"(data (i32.const 64) "file")
      (func (export "run") (result i32) (local $file i32) (local $stream i32)
        (local.set $file (call $open (i32.const 64) (i32.const 4) (i32.const 0)))
        (call $read-via-stream (local.get $file) (i64.const 0) (i32.const 16))
        (local.set $stream (call $word (i32.const 4)))
        (call $drop (local.get $file))
        (call $unlink (call $root) (i32.const 64) (i32.const 4) (i32.const 16))
        (call $expect-ok)
        (call $stream-read (local.get $stream) (i64.const 100) (i32.const 16))
        (call $expect-ok)
        (i32.load (call $word (i32.const 4))))"#;
    assert_eq!(run_in(guest, body).unwrap(), u32::from_le_bytes(*b"kept"));
}
