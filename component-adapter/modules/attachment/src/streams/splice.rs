//! `splice`, where at least one of the two streams is a file's.

use larder_core::{Error, ErrorCode, Source};
use larder_engine::file::Stopped;
use larder_engine::headroom;
use larder_engine::limits::{MAX_SPLICE, MAX_WRITE};
use larder_engine::slots::is_ours;

use crate::answer::{self, Answer};
use crate::app::App;
use crate::host::{self, HostStopped};
use crate::resources::{with_input, with_output};
use crate::trap;

#[unsafe(export_name = "wasi:io/streams#[method]output-stream.splice")]
extern "C" fn splice(context: u32, output: u32, input: u32, count: u64, ret: u32) {
    between(App::enter(context), output, input, count, false, ret);
}

#[unsafe(export_name = "wasi:io/streams#[method]output-stream.blocking-splice")]
extern "C" fn blocking_splice(context: u32, output: u32, input: u32, count: u64, ret: u32) {
    between(App::enter(context), output, input, count, true, ret);
}

/// Why a splice moved nothing.
enum Ended {
    Ours(Stopped),
    Hosts(HostStopped),
}

impl From<Stopped> for Ended {
    fn from(stopped: Stopped) -> Self {
        Self::Ours(stopped)
    }
}

impl From<HostStopped> for Ended {
    fn from(stopped: HostStopped) -> Self {
        Self::Hosts(stopped)
    }
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Ours(Stopped::Failed(error))
    }
}

fn between(app: App, output: u32, input: u32, count: u64, blocking: bool, ret: u32) {
    let moved = match (is_ours(output), is_ours(input)) {
        (true, true) => between_files(output, input, count).map_err(Ended::Ours),
        (true, false) | (false, true) if !host::splices() => Err(Error::new(ErrorCode::Unsupported, "splice").into()),
        (true, false) => to_file(output, input, count, blocking),
        (false, true) => from_file(output, input, count, blocking),
        (false, false) => trap(),
    };
    match moved {
        Ok(moved) => answer::stream_count(app, ret, Ok(moved)),
        Err(Ended::Ours(stopped)) => answer::stream_count(app, ret, Err(stopped)),
        Err(Ended::Hosts(HostStopped::Closed)) => answer::stream_count(app, ret, Err(Stopped::Closed)),
        // The host's error goes on to the app under its own handle.
        Err(Ended::Hosts(HostStopped::Failed(error))) => {
            Answer::<16>::new().u8(0, 1).u32(12, error).put(app, ret);
        }
    }
}

fn between_files(output: u32, input: u32, count: u64) -> Result<u64, Stopped> {
    with_output(output, |output| output.check())?;
    let pieces = with_input(input, |input| input.take(count.min(MAX_WRITE as u64)))?;
    with_output(output, |output| output.write(host::now, &pieces))?;
    Ok(pieces.len() as u64)
}

fn to_file(output: u32, input: u32, count: u64, blocking: bool) -> Result<u64, Ended> {
    with_output(output, |output| output.check())?;
    headroom::for_content(MAX_SPLICE, "splice")?;
    let bytes = host::input_read(input, count.min(MAX_SPLICE as u64), blocking)?;
    with_output(output, |output| output.write(host::now, &bytes.as_slice()))?;
    Ok(bytes.len() as u64)
}

fn from_file(output: u32, input: u32, count: u64, blocking: bool) -> Result<u64, Ended> {
    let mut permit = host::output_check_write(output)?;
    if permit == 0 && blocking && count > 0 {
        host::output_wait(output);
        permit = host::output_check_write(output)?;
    }
    let length = with_input(input, |input| input.readable(count))?.min(MAX_SPLICE);
    let length = usize::try_from(permit).map_or(length, |permit| permit.min(length));
    headroom::for_content(length, "splice")?;
    let mut bytes = Vec::with_capacity(length);
    with_input(input, |input| input.read_with(length as u64, &mut |piece| bytes.extend_from_slice(piece)))?;
    if !bytes.is_empty() {
        host::output_write(output, &bytes)?;
    }
    Ok(bytes.len() as u64)
}
