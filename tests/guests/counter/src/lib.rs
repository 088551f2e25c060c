//! A component that counts under a lock, for hosts that call functions and no
//! command. An error is its result's text.

#[path = "../../locks/src/count.rs"]
mod count;

use std::fs::OpenOptions;

use exports::larder::test::counter::Guest;
use larder::fs::locks::{self, ErrorCode};

wit_bindgen::generate!({ path: ["../../../wit/larder-fs", "wit"], world: "larder:test/counting", generate_all });

const PATH: &str = "/counter";

struct Counter;

export!(Counter);

impl Guest for Counter {
    fn add(times: u32) -> String {
        if let Err(error) = OpenOptions::new().append(true).create(true).open(PATH) {
            return format!("error: {error}");
        }
        let numbers: Result<Vec<u64>, String> = (0..times).map(|_| add()).collect();
        match numbers {
            Ok(numbers) => numbers.last().map_or_else(String::new, u64::to_string),
            Err(error) => format!("error: {error}"),
        }
    }
}

fn add() -> Result<u64, String> {
    let code = |code: ErrorCode| code.name().to_owned();
    let lock = count::lock(PATH).map_err(code)?;
    let number = count::add(PATH);
    locks::unlock(lock.id).map_err(code)?;
    number.map_err(|error| error.to_string())
}
