//! The clock that stamps changes, where it is the host's and only goes on: the
//! suite's time is what stands for the host's times from when it was set until
//! it is set again. Other times are those that a case gave a file.

use std::cell::RefCell;

use larder_core::{Follow, SetTime, Timestamp};
use larder_suite::{Form, Mount, START, Stat, Times};
use wasip2::clocks::wall_clock;

/// See `larder_suite::Form::DAYS_PASS`.
pub const DAYS_PASS: bool = false;

thread_local! {
    /// The host's time at which the suite's was set, and the suite's.
    static SET: RefCell<Vec<(Timestamp, Timestamp)>> = const { RefCell::new(Vec::new()) };
}

fn host() -> Timestamp {
    let now = wall_clock::now();
    Timestamp { seconds: i64::try_from(now.seconds).expect("a time of today"), nanoseconds: now.nanoseconds }
}

/// Sets the suite's time.
pub fn set_now(now: Timestamp) {
    let host = host();
    SET.with_borrow_mut(|set| set.push((host, now)));
}

/// Gives what was in the volumes before the case the suite's first time.
///
/// # Panics
/// Where a mount is missing.
pub fn begin<F: Form>(form: &F) {
    let start = SetTime::At(START);
    for mount in [Mount::Main, Mount::Other] {
        let root = form.root(mount).expect("it is mounted");
        if mount == Mount::Main {
            form.set_times_at(&root, Follow::No, "scope", start, start).expect("it is there");
        }
        form.set_times(&root, start, start).expect("it is a directory");
        form.close(root);
    }
}

/// The times as the suite's clock had them.
#[must_use]
pub fn shown(stat: Stat) -> Stat {
    let Times { accessed, modified, changed } = stat.times;
    let [accessed, modified, changed] = SET.with_borrow(|set| {
        let last = host();
        [accessed, modified, changed].map(|time| {
            let before = set.iter().rev().find(|(from, _)| *from <= time);
            before.filter(|_| time <= last).map_or(time, |(_, shown)| *shown)
        })
    });
    Stat { times: Times { accessed, modified, changed }, ..stat }
}
