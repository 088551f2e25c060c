//! A component with exported functions that keeps files through `std::fs`, for
//! hosts that call functions and no command. An error is its result's text.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};

use exports::larder::test::notes::Guest;

wit_bindgen::generate!({ path: "wit", world: "keeper" });

const DIRECTORY: &str = "/notes";
const FILE: &str = "/notes/all.txt";

struct Notes;

export!(Notes);

impl Guest for Notes {
    fn add() -> String {
        text(add())
    }

    fn read() -> String {
        text(fs::read_to_string(FILE))
    }
}

fn add() -> io::Result<String> {
    fs::create_dir_all(DIRECTORY)?;
    let mut file = OpenOptions::new().append(true).create(true).open(FILE)?;
    let number = fs::read_to_string(FILE)?.lines().count() + 1;
    // In one write, so that it stays whole beside the lines of other instances.
    file.write_all(format!("note {number}\n").as_bytes())?;
    file.sync_all()?;
    Ok(format!("note {number} is kept"))
}

fn text(result: io::Result<String>) -> String {
    result.unwrap_or_else(|error| format!("error: {error}"))
}
