//! Running all cases of the suite.

use std::panic::catch_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use larder_suite::Case;

use crate::{Guest, Manner};

/// Cases at the same time: most of a case is waiting for answers.
const AT_A_TIME: usize = 4;

/// Runs all cases, a few at a time, and answers which fail.
///
/// # Panics
/// When the suite is empty.
#[must_use]
pub fn failing<M: Manner + 'static>() -> Vec<&'static str> {
    let cases: Vec<Case> = larder_suite::cases::<Guest<M>>();
    assert!(cases.len() > 100, "the suite is not empty");
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if catch_unwind(case.run).is_err() {
                        failed.lock().unwrap().push(case.name);
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().unwrap();
    failed.sort_unstable();
    failed
}
