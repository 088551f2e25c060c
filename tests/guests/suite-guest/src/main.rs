//! The suite as a command: `suite-guest run files::a_new_file_is_empty…`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().skip(1).collect();
    match suite_guest::answer::<suite_guest::Wasi02>(&words.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("suite-guest: {error}");
            ExitCode::FAILURE
        }
    }
}
