//! The behavioural suite (`tests/suite`) as a command of WASI 0.3: `suite-guest`
//! with the calls and streams of `wasi:filesystem` 0.3. Printing, and the
//! volumes' statistics, are WASI 0.2 also here.
//!
//! What lives here: the form ([`form::Wasi03`]) and the command. Requests are
//! `suite-guest`'s, content and listings those of `puppet-p3`.

#[path = "../../puppet-p3/src/code.rs"]
mod code;
#[path = "../../puppet-p3/src/content.rs"]
mod content;
mod convert;
mod form;
#[path = "../../puppet-p3/src/listing.rs"]
mod listing;

use wasip3::cli::environment::get_arguments;

wasip3::cli::command::export!(Suite);

struct Suite;

impl wasip3::exports::cli::run::Guest for Suite {
    /// The task is of an `async` function, so that the cases, which are not,
    /// may wait for theirs.
    async fn run() -> Result<(), ()> {
        let arguments = get_arguments();
        let words: Vec<_> = arguments.iter().skip(1).map(String::as_str).collect();
        match suite_guest::answer::<form::Wasi03>(&words) {
            Ok(text) => {
                print!("{text}");
                Ok(())
            }
            Err(error) => {
                eprintln!("suite-guest-p3: {error}");
                Err(())
            }
        }
    }
}
