//! Methods of `output-stream` on files. A write is with the engine when it
//! returns: a flush has nothing to do but to report what was deferred.

use larder_engine::file::Zeros;
use larder_engine::limits::{MAX_BLOCKING_WRITE, MAX_BLOCKING_ZEROES, MAX_WRITE};

use crate::answer;
use crate::app::App;
use crate::resources::{Kind, end, insert_pollable, with_output};
use crate::{host, trap};

#[unsafe(export_name = "wasi:io/streams#[method]output-stream.check-write")]
extern "C" fn check_write(context: u32, output: u32, ret: u32) {
    let app = App::enter(context);
    answer::stream_count(app, ret, with_output(output, |output| output.check()).map(|()| MAX_WRITE as u64));
}

#[unsafe(export_name = "wasi:io/streams#[method]output-stream.write")]
extern "C" fn write(context: u32, output: u32, bytes: u32, count: u32, ret: u32) {
    write_file(App::enter(context), output, bytes, count, ret);
}

#[unsafe(export_name = "wasi:io/streams#[method]output-stream.blocking-write-and-flush")]
extern "C" fn blocking_write_and_flush(context: u32, output: u32, bytes: u32, count: u32, ret: u32) {
    let app = App::enter(context);
    if count as usize > MAX_BLOCKING_WRITE {
        trap();
    }
    write_file(app, output, bytes, count, ret);
}

#[inline]
fn write_file(app: App, output: u32, bytes: u32, count: u32, ret: u32) {
    let written = with_output(output, |output| output.write(host::now, &app.lent(bytes, count)));
    answer::stream_done(app, ret, written);
}

#[unsafe(export_name = "wasi:io/streams#[method]output-stream.flush")]
extern "C" fn flush(context: u32, output: u32, ret: u32) {
    let app = App::enter(context);
    answer::stream_done(app, ret, with_output(output, |output| output.flush()));
}

#[unsafe(export_name = "wasi:io/streams#[method]output-stream.blocking-flush")]
extern "C" fn blocking_flush(context: u32, output: u32, ret: u32) {
    let app = App::enter(context);
    answer::stream_done(app, ret, with_output(output, |output| output.flush()));
}

#[unsafe(export_name = "wasi:io/streams#[method]output-stream.write-zeroes")]
extern "C" fn write_zeroes(context: u32, output: u32, count: u64, ret: u32) {
    zeroes(App::enter(context), output, count, MAX_WRITE as u64, ret);
}

#[unsafe(export_name = "wasi:io/streams#[method]output-stream.blocking-write-zeroes-and-flush")]
extern "C" fn blocking_write_zeroes_and_flush(context: u32, output: u32, count: u64, ret: u32) {
    zeroes(App::enter(context), output, count, MAX_BLOCKING_ZEROES, ret);
}

/// More than is permitted traps, as the WIT says.
fn zeroes(app: App, output: u32, count: u64, most: u64, ret: u32) {
    let Ok(zeros) = usize::try_from(count.min(most)) else { trap() };
    if count > most {
        trap();
    }
    answer::stream_done(app, ret, with_output(output, |output| output.write(host::now, &Zeros(zeros))));
}

#[unsafe(export_name = "wasi:io/streams#[method]output-stream.subscribe")]
extern "C" fn subscribe(context: u32, output: u32) -> u32 {
    App::enter(context);
    with_output(output, |_| ());
    insert_pollable()
}

#[unsafe(export_name = "wasi:io/streams#[resource-drop]output-stream")]
extern "C" fn drop_output(context: u32, output: u32) {
    App::enter(context);
    end(output, Kind::Output);
}
