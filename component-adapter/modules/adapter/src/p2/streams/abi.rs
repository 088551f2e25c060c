//! The exports of `wasi:io/streams`.
//!
//! `read` and `blocking-read` are by hand: Wasmtime copies their answer out
//! of this memory byte by byte, so that a copy before it is pure loss. They
//! answer with the address of the bytes in the store and have no
//! `cabi_post` function. All others are those of `wit-bindgen`.

use super::super::bindings::exports::wasi::io::streams::{self, GuestInputStream as _, InputStreamBorrow, StreamError};
use super::{Input, Output, stopped};
use crate::answer::{self, Lent};

/// `result<list<u8>, stream-error>` as the canonical ABI lays it out.
#[repr(C)]
struct ReadAnswer {
    /// 0: a list; 1: an error.
    failed: u8,
    /// The list's address, or 0 for `last-operation-failed` and 1 for `closed`.
    first: usize,
    /// The list's length, or the error's handle.
    second: usize,
}

static mut READ_ANSWER: ReadAnswer = ReadAnswer { failed: 0, first: 0, second: 0 };

impl ReadAnswer {
    fn of(read: Result<Lent, StreamError>) -> Self {
        match read {
            Ok(bytes) => Self { failed: 0, first: bytes.address, second: bytes.length },
            Err(StreamError::LastOperationFailed(error)) => {
                Self { failed: 1, first: 0, second: error.take_handle() as usize }
            }
            Err(StreamError::Closed) => Self { failed: 1, first: 1, second: 0 },
        }
    }

    /// The address that the runtime reads the answer from, before it calls
    /// anything else here.
    fn give(self) -> *const Self {
        // SAFETY: one thread, and nobody holds a reference to it.
        unsafe { READ_ANSWER = self };
        &raw const READ_ANSWER
    }
}

/// # Safety
///
/// `stream` is the representation of a live `input-stream`, as the runtime
/// passes it.
unsafe fn read(
    stream: *const u8,
    length: u64,
    host: fn(&Input, u64) -> Result<Vec<u8>, StreamError>,
) -> *const ReadAnswer {
    // SAFETY: as the function's.
    let input: &Input = unsafe { InputStreamBorrow::lift(stream) }.get();
    let read = match input {
        Input::File(reader) => answer::lend(reader, length).map_err(stopped),
        Input::Host(_) => host(input, length).map(answer::keep),
    };
    ReadAnswer::of(read).give()
}

#[unsafe(export_name = "wasi:io/streams@0.2.0#[method]input-stream.read")]
unsafe extern "C" fn input_stream_read(stream: *const u8, length: u64) -> *const ReadAnswer {
    // SAFETY: the runtime calls with what it lifted.
    unsafe { read(stream, length, Input::read) }
}

#[unsafe(export_name = "wasi:io/streams@0.2.0#[method]input-stream.blocking-read")]
unsafe extern "C" fn input_stream_blocking_read(stream: *const u8, length: u64) -> *const ReadAnswer {
    // SAFETY: the runtime calls with what it lifted.
    unsafe { read(stream, length, Input::blocking_read) }
}

/// Exports functions of `wit-bindgen` as they are.
macro_rules! generated {
    ($($name:literal => $function:ident, $generated:ident::<$type:ty>($($argument:ident: $kind:ty),*) $(-> $answer:ty)?;)*) => {$(
        #[unsafe(export_name = $name)]
        unsafe extern "C" fn $function($($argument: $kind),*) $(-> $answer)? {
            // SAFETY: the runtime calls with what it lifted.
            unsafe { streams::$generated::<$type>($($argument),*) }
        }
    )*};
}

generated! {
    "wasi:io/streams@0.2.0#[method]input-stream.skip" =>
        input_stream_skip, _export_method_input_stream_skip_cabi::<Input>(stream: *mut u8, length: i64) -> *mut u8;
    "wasi:io/streams@0.2.0#[method]input-stream.blocking-skip" =>
        input_stream_blocking_skip, _export_method_input_stream_blocking_skip_cabi::<Input>(stream: *mut u8, length: i64) -> *mut u8;
    "wasi:io/streams@0.2.0#[method]input-stream.subscribe" =>
        input_stream_subscribe, _export_method_input_stream_subscribe_cabi::<Input>(stream: *mut u8) -> i32;
    "wasi:io/streams@0.2.0#[method]output-stream.check-write" =>
        check_write, _export_method_output_stream_check_write_cabi::<Output>(stream: *mut u8) -> *mut u8;
    "wasi:io/streams@0.2.0#[method]output-stream.write" =>
        write, _export_method_output_stream_write_cabi::<Output>(stream: *mut u8, data: *mut u8, length: usize) -> *mut u8;
    "wasi:io/streams@0.2.0#[method]output-stream.blocking-write-and-flush" =>
        blocking_write_and_flush, _export_method_output_stream_blocking_write_and_flush_cabi::<Output>(stream: *mut u8, data: *mut u8, length: usize) -> *mut u8;
    "wasi:io/streams@0.2.0#[method]output-stream.flush" =>
        flush, _export_method_output_stream_flush_cabi::<Output>(stream: *mut u8) -> *mut u8;
    "wasi:io/streams@0.2.0#[method]output-stream.blocking-flush" =>
        blocking_flush, _export_method_output_stream_blocking_flush_cabi::<Output>(stream: *mut u8) -> *mut u8;
    "wasi:io/streams@0.2.0#[method]output-stream.subscribe" =>
        output_stream_subscribe, _export_method_output_stream_subscribe_cabi::<Output>(stream: *mut u8) -> i32;
    "wasi:io/streams@0.2.0#[method]output-stream.write-zeroes" =>
        write_zeroes, _export_method_output_stream_write_zeroes_cabi::<Output>(stream: *mut u8, length: i64) -> *mut u8;
    "wasi:io/streams@0.2.0#[method]output-stream.blocking-write-zeroes-and-flush" =>
        blocking_write_zeroes_and_flush, _export_method_output_stream_blocking_write_zeroes_and_flush_cabi::<Output>(stream: *mut u8, length: i64) -> *mut u8;
    "wasi:io/streams@0.2.0#[method]output-stream.splice" =>
        splice, _export_method_output_stream_splice_cabi::<Output>(stream: *mut u8, source: i32, length: i64) -> *mut u8;
    "wasi:io/streams@0.2.0#[method]output-stream.blocking-splice" =>
        blocking_splice, _export_method_output_stream_blocking_splice_cabi::<Output>(stream: *mut u8, source: i32, length: i64) -> *mut u8;
}

#[unsafe(export_name = "wasi:io/streams@0.2.0#[dtor]input-stream")]
unsafe extern "C" fn drop_input_stream(stream: *mut u8) {
    // SAFETY: the runtime drops each representation once.
    unsafe { streams::InputStream::dtor::<Input>(stream) }
}

#[unsafe(export_name = "wasi:io/streams@0.2.0#[dtor]output-stream")]
unsafe extern "C" fn drop_output_stream(stream: *mut u8) {
    // SAFETY: the runtime drops each representation once.
    unsafe { streams::OutputStream::dtor::<Output>(stream) }
}
