//! `wasi:cli/environment`, where the image says what the app sees: the host's,
//! as far as the image lets it through, and what is baked in.

use larder_engine::start;
use larder_image::{Arguments, Options};

use crate::answer::Answer;
use crate::app::{App, length};
use crate::host;

/// What the image says; a damaged one lets nothing through.
fn options() -> Option<&'static Options> {
    start::options(host::now)
}

#[unsafe(export_name = "wasi:cli/environment#get-environment")]
extern "C" fn get_environment(context: u32, ret: u32) {
    let app = App::enter(context);
    let mut texts = Vec::new();
    if let Some(options) = options() {
        let environment = &options.environment;
        for (name, value) in host::environment() {
            if std::str::from_utf8(&name).is_ok_and(|name| environment.inherits(name)) {
                texts.extend([name, value]);
            }
        }
        for (name, value) in &environment.set {
            texts.extend([name.clone().into_bytes(), value.clone().into_bytes()]);
        }
    }
    let address = give_texts(app, &texts);
    Answer::<8>::new().list(0, (address, length(texts.len() / 2))).put(app, ret);
}

#[unsafe(export_name = "wasi:cli/environment#get-arguments")]
extern "C" fn get_arguments(context: u32, ret: u32) {
    let app = App::enter(context);
    let texts = match options().map(|options| &options.arguments) {
        None => Vec::new(),
        Some(Arguments::Host) => host::arguments(),
        Some(Arguments::Baked(arguments)) => arguments.iter().map(|text| text.clone().into_bytes()).collect(),
    };
    let address = give_texts(app, &texts);
    Answer::<8>::new().list(0, (address, length(texts.len()))).put(app, ret);
}

#[unsafe(export_name = "wasi:cli/environment#initial-cwd")]
extern "C" fn initial_cwd(context: u32, ret: u32) {
    let app = App::enter(context);
    let directory = match options() {
        None => None,
        Some(options) => match &options.initial_directory {
            Some(directory) => Some(directory.clone().into_bytes()),
            None => host::initial_directory(),
        },
    };
    let answer = Answer::<12>::new();
    match directory {
        None => answer.put(app, ret),
        Some(directory) => answer.u8(0, 1).list(4, app.give(&directory)).put(app, ret),
    }
}

/// A list of strings in the app's memory; also one of pairs of strings, which
/// has the same layout.
fn give_texts(app: App, texts: &[Vec<u8>]) -> u32 {
    let address = app.allocate(4, texts.len().saturating_mul(8));
    let mut at = address;
    for text in texts {
        Answer::<8>::new().list(0, app.give(text)).put(app, at);
        at = at.wrapping_add(8);
    }
    address
}
