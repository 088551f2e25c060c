//! A component that counts under a lock, for hosts that call functions and no
//! command. An error is its result's text.

#[path = "../../locks/src/count.rs"]
mod count;

use std::fs::OpenOptions;

use exports::larder::test::counter::Guest;
use larder::fs::locks::{self, ErrorCode, Kind, Lock};

wit_bindgen::generate!({ path: ["../../../wit/larder-fs", "wit"], world: "larder:test/counting", generate_all });

const PATH: &str = "/counter";

struct Counter;

export!(Counter);

impl Guest for Counter {
    fn add() -> String {
        counted(count::lock)
    }

    fn try_() -> String {
        counted(|path| locks::try_lock(path, Kind::Exclusive))
    }
}

fn counted(lock: impl FnOnce(&str) -> Result<Lock, ErrorCode>) -> String {
    let there = OpenOptions::new().append(true).create(true).open(PATH);
    if let Err(error) = there {
        return format!("error: {error}");
    }
    let lock = match lock(PATH) {
        Ok(lock) => lock,
        Err(code) => return code.name().to_owned(),
    };
    let number = count::add(PATH);
    match (number, locks::unlock(lock.id)) {
        (Ok(number), Ok(())) => number.to_string(),
        (Err(error), _) => format!("error: {error}"),
        (Ok(_), Err(code)) => format!("error: {}", code.name()),
    }
}
