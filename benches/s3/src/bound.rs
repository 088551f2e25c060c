//! Doing something as often as the time allows.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// Why what runs has to end; guards unmount and end processes.
static STOPPED: AtomicU8 = AtomicU8::new(NOT);
const NOT: u8 = 0;
const LATE: u8 = 1;
const TOLD: u8 = 2;

/// What a repetition of a cell took.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// The time of what was done.
    pub(crate) seconds: f64,
    /// How many files or bytes were done.
    pub(crate) done: u64,
    /// How many there are; more than `done` where the time was over.
    pub(crate) of: u64,
}

impl Sample {
    /// Of something that was done as a whole.
    pub(crate) fn whole(begun: Instant, count: u64) -> Self {
        Self { seconds: begun.elapsed().as_secs_f64(), done: count, of: count }
    }

    /// Seconds for one file or byte.
    pub(crate) fn each(&self) -> f64 {
        self.seconds / number(self.done.max(1))
    }

    pub(crate) const fn is_whole(&self) -> bool {
        self.done >= self.of
    }
}

/// A count as a number to divide; none here comes near 2^52.
#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(crate) const fn number(count: u64) -> f64 {
    count as f64
}

/// What runs takes too long: it ends, and the run goes on.
pub(crate) fn late() {
    let _ = STOPPED.compare_exchange(NOT, LATE, Ordering::Relaxed, Ordering::Relaxed);
}

/// Something else begins.
pub(crate) fn again() {
    let _ = STOPPED.compare_exchange(LATE, NOT, Ordering::Relaxed, Ordering::Relaxed);
}

/// Somebody told the run to end.
pub(crate) fn end() {
    STOPPED.store(TOLD, Ordering::Relaxed);
}

/// Whether somebody told the run to end.
pub(crate) fn has_ended() -> bool {
    STOPPED.load(Ordering::Relaxed) == TOLD
}

/// # Errors
/// When what runs has to end.
pub(crate) fn go_on() -> Result<()> {
    ensure!(!has_ended(), "the run was told to end");
    ensure!(STOPPED.load(Ordering::Relaxed) == NOT, "it takes too long");
    Ok(())
}

/// Takes items as long as there is time, at least one; answers the sample.
///
/// # Errors
/// The step's, and when the run was told to end.
pub(crate) fn each<T>(
    bound: Duration,
    items: impl ExactSizeIterator<Item = T>,
    mut step: impl FnMut(T) -> Result<()>,
) -> Result<Sample> {
    let (of, mut done) = (items.len() as u64, 0);
    let begun = Instant::now();
    for item in items {
        if done > 0 && begun.elapsed() > bound {
            break;
        }
        go_on()?;
        step(item)?;
        done += 1;
    }
    Ok(Sample { seconds: begun.elapsed().as_secs_f64(), done, of })
}
