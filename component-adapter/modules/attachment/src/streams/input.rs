//! Methods of `input-stream` on files. Nothing waits: what blocks elsewhere
//! does the same here as what does not.

use crate::answer::{self, Answer};
use crate::app::{App, length};
use crate::resources::{Kind, end, insert_pollable, with_input};

#[unsafe(export_name = "wasi:io/streams#[method]input-stream.read")]
extern "C" fn read(context: u32, input: u32, wanted: u64, ret: u32) {
    read_file(App::enter(context), input, wanted, ret);
}

#[unsafe(export_name = "wasi:io/streams#[method]input-stream.blocking-read")]
extern "C" fn blocking_read(context: u32, input: u32, wanted: u64, ret: u32) {
    read_file(App::enter(context), input, wanted, ret);
}

#[inline]
fn read_file(app: App, input: u32, wanted: u64, ret: u32) {
    let read = with_input(input, |input| input.readable(wanted)).and_then(|wanted| {
        let address = app.allocate(1, wanted);
        let mut done = 0;
        let read = with_input(input, |input| {
            input.read_with(wanted as u64, &mut |piece| {
                app.put(address.wrapping_add(length(done)), piece);
                done += piece.len();
            })
        })?;
        Ok((address, length(read)))
    });
    match read {
        Ok(list) => Answer::<12>::new().list(4, list).put(app, ret),
        Err(stopped) => answer::stopped_at::<12>(app, ret, 4, stopped),
    }
}

#[unsafe(export_name = "wasi:io/streams#[method]input-stream.skip")]
extern "C" fn skip(context: u32, input: u32, wanted: u64, ret: u32) {
    skip_file(App::enter(context), input, wanted, ret);
}

#[unsafe(export_name = "wasi:io/streams#[method]input-stream.blocking-skip")]
extern "C" fn blocking_skip(context: u32, input: u32, wanted: u64, ret: u32) {
    skip_file(App::enter(context), input, wanted, ret);
}

fn skip_file(app: App, input: u32, wanted: u64, ret: u32) {
    answer::stream_count(app, ret, with_input(input, |input| input.skip(wanted)));
}

#[unsafe(export_name = "wasi:io/streams#[method]input-stream.subscribe")]
extern "C" fn subscribe(context: u32, input: u32) -> u32 {
    App::enter(context);
    with_input(input, |_| ());
    insert_pollable()
}

#[unsafe(export_name = "wasi:io/streams#[resource-drop]input-stream")]
extern "C" fn drop_input(context: u32, input: u32) {
    App::enter(context);
    end(input, Kind::Input);
}
