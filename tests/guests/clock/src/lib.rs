//! A wall clock that stands until it is set: plugged over a composed guest of
//! the suite, both the guest and the store that it carries are given this one.

use std::cell::Cell;

use exports::larder::test::clock;
use exports::wasi::clocks::wall_clock::{self, Datetime};

wit_bindgen::generate!({ path: "wit", world: "settable", generate_all });

struct Clock;

export!(Clock);

/// Before it is set it stands where the suite begins: 2001-09-09.
const START: Datetime = Datetime { seconds: 1_000_000_000, nanoseconds: 0 };

thread_local! {
    static NOW: Cell<Datetime> = const { Cell::new(START) };
}

impl wall_clock::Guest for Clock {
    fn now() -> Datetime {
        NOW.get()
    }

    fn resolution() -> Datetime {
        Datetime { seconds: 0, nanoseconds: 1 }
    }
}

impl clock::Guest for Clock {
    fn set(seconds: u64, nanoseconds: u32) {
        NOW.set(Datetime { seconds, nanoseconds });
    }
}
