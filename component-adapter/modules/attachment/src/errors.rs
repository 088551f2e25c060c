//! `wasi:io/error`, and what other interfaces say of an error.

use crate::answer::{Answer, error_code};
use crate::app::App;
use crate::resources::{self, Kind};

#[unsafe(export_name = "wasi:io/error#[method]error.to-debug-string")]
extern "C" fn to_debug_string(context: u32, error: u32, ret: u32) {
    let app = App::enter(context);
    let text = resources::with_error(error, ToString::to_string);
    Answer::<8>::new().list(0, app.give(text.as_bytes())).put(app, ret);
}

#[unsafe(export_name = "wasi:io/error#[resource-drop]error")]
extern "C" fn drop_error(context: u32, error: u32) {
    App::enter(context);
    resources::end(error, Kind::Error);
}

#[unsafe(export_name = "wasi:filesystem/types#filesystem-error-code")]
extern "C" fn filesystem_error_code(context: u32, error: u32, ret: u32) {
    let app = App::enter(context);
    let code = resources::with_error(error, |error| error.code());
    Answer::<2>::new().u8(0, 1).u8(1, error_code(code)).put(app, ret);
}

/// `http-error-code` and `network-error-code` of an error of ours: none.
#[unsafe(export_name = "larder#no-error-code")]
extern "C" fn no_error_code(context: u32, error: u32, ret: u32) {
    let app = App::enter(context);
    resources::with_error(error, |_| ());
    Answer::<1>::new().put(app, ret);
}
