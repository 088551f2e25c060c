//! `larder:fs/statistics`.

use larder_engine::statistics::{self, Charges};

use crate::answer::Answer;
use crate::app::App;
use crate::host;

#[unsafe(export_name = "larder:fs/statistics#usage")]
extern "C" fn usage(context: u32, path: u32, length: u32, ret: u32) {
    answer(App::enter(context), path, length, ret, |path| statistics::usage(host::now, path));
}

#[unsafe(export_name = "larder:fs/statistics#recount")]
extern "C" fn recount(context: u32, path: u32, length: u32, ret: u32) {
    answer(App::enter(context), path, length, ret, |path| statistics::recount(host::now, path));
}

/// `option<charges>`. Nothing is mounted at what is no path.
fn answer(app: App, path: u32, length: u32, ret: u32, ask: impl FnOnce(&str) -> Option<Charges>) {
    let charges = app.lent(path, length).with_path(|path| Ok(ask(path)));
    let mut answer = Answer::<56>::new();
    if let Ok(Some(charges)) = charges {
        answer = answer.u8(0, 1);
        for (index, charge) in charges.into_iter().enumerate() {
            answer = answer.u64(8 + 8 * index, charge);
        }
    }
    answer.put(app, ret);
}
