//! Methods of `descriptor` on content.

use larder_engine::file::Place;

use crate::answer::{self, code, result};
use crate::app::{App, length};
use crate::resources::{insert_input, insert_output, with_descriptor};
use crate::{host, trap};

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.read")]
extern "C" fn read(context: u32, file: u32, length_wanted: u64, offset: u64, ret: u32) {
    let app = App::enter(context);
    let wanted = with_descriptor(file, |file| file.readable(host::now, offset, length_wanted));
    let read = wanted.and_then(|wanted| {
        let address = app.allocate(1, wanted);
        let mut done = 0;
        let read = with_descriptor(file, |file| {
            file.read_with(offset, wanted, |piece| {
                app.put(address.wrapping_add(length(done)), piece);
                done += piece.len();
            })
        })?;
        Ok((address, read))
    });
    result::<16, _>(app, ret, 4, read.map_err(code), |answer, (address, read)| {
        answer.list(4, (address, length(read))).u8(12, u8::from((read as u64) < length_wanted.min(MAX_READ)))
    });
}

const MAX_READ: u64 = larder_engine::limits::MAX_READ as u64;

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.write")]
extern "C" fn write(context: u32, file: u32, bytes: u32, count: u32, offset: u64, ret: u32) {
    let app = App::enter(context);
    let written = with_descriptor(file, |file| file.write(host::now, offset, &app.lent(bytes, count)));
    result::<16, _>(app, ret, 8, written.map_err(code), |answer, written| answer.u64(8, written as u64));
}

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.read-via-stream")]
extern "C" fn read_via_stream(context: u32, file: u32, offset: u64, ret: u32) {
    let app = App::enter(context);
    let reader = with_descriptor(file, |file| file.reader(host::now, offset));
    answer::handle(app, ret, reader.map_err(code).and_then(insert_input));
}

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.write-via-stream")]
extern "C" fn write_via_stream(context: u32, file: u32, offset: u64, ret: u32) {
    open_output(App::enter(context), file, Place::At(offset), ret);
}

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.append-via-stream")]
extern "C" fn append_via_stream(context: u32, file: u32, ret: u32) {
    open_output(App::enter(context), file, Place::End, ret);
}

fn open_output(app: App, file: u32, place: Place, ret: u32) {
    let writer = with_descriptor(file, |file| file.writer(place));
    answer::handle(app, ret, writer.map_err(code).and_then(insert_output));
}

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.set-size")]
extern "C" fn set_size(context: u32, file: u32, size: u64, ret: u32) {
    let app = App::enter(context);
    let set = with_descriptor(file, |file| file.get()?.set_size(host::now(), size));
    answer::done(app, ret, set.map_err(code));
}

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.advise")]
extern "C" fn advise(context: u32, file: u32, offset: u64, count: u64, advice: u32, ret: u32) {
    let app = App::enter(context);
    // `advice` has six cases.
    if advice > 5 {
        trap();
    }
    let done = with_descriptor(file, |file| file.get()?.advise(offset, count));
    answer::done(app, ret, done.map_err(code));
}

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.sync-data")]
extern "C" fn sync_data(context: u32, file: u32, ret: u32) {
    let app = App::enter(context);
    answer::done(app, ret, with_descriptor(file, |file| file.get()?.sync_data()).map_err(code));
}

#[unsafe(export_name = "wasi:filesystem/types#[method]descriptor.sync")]
extern "C" fn sync(context: u32, file: u32, ret: u32) {
    let app = App::enter(context);
    answer::done(app, ret, with_descriptor(file, |file| file.get()?.sync()).map_err(code));
}
