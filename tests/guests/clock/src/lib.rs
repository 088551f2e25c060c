//! A wall clock that stands until it is set: plugged over a composed guest of
//! the suite, both the guest and the store that it carries are given this one.
//! The feature `p3` adds the system clock of WASI 0.3, which shows the same.

#[cfg(feature = "p3")]
mod system_clock;

use std::cell::Cell;

use exports::larder::test::clock;
#[cfg(not(feature = "p3"))]
use exports::wasi::clocks::wall_clock::{self, Datetime};
// The bindings tell two versions of one package apart.
#[cfg(feature = "p3")]
use exports::wasi::clocks0_2_0::wall_clock::{self, Datetime};

#[cfg(not(feature = "p3"))]
wit_bindgen::generate!({ path: "wit", world: "settable", generate_all });
#[cfg(feature = "p3")]
wit_bindgen::generate!({
    path: ["../../../wit/deps/clocks-0.3.0.wit", "wit", "wit-p3"],
    world: "larder:clock-p3/settable",
    generate_all,
});

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
