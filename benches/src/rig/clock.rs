//! The monotonic clock that the guests see. The last two times that a guest
//! reads it are the beginning and the end of its timed section, so that the
//! host can let several guests begin together, and take the processor time of
//! the section. A guest that first makes its large file reads it before, too.

use std::sync::{Arc, Barrier, Mutex, PoisonError};
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use wasmtime_wasi::HostMonotonicClock;

/// What the host noted of one guest's timed section, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Section {
    /// Since the start of the repetition; the same for all guests.
    pub(super) began: u64,
    pub(super) ended: u64,
    /// Processor time of the whole process, helper threads included.
    pub(super) processor: u64,
}

/// What the guests of one repetition have in common.
#[derive(Clone, Debug)]
pub(super) struct Start {
    origin: Instant,
    together: Arc<Barrier>,
}

impl Start {
    pub(super) fn of(guests: usize) -> Self {
        Self { origin: Instant::now(), together: Arc::new(Barrier::new(guests)) }
    }

    /// For a guest that ends before its timed section: nobody shall wait for
    /// it for ever.
    pub(super) fn give_up(&self, clock: &Clock) {
        if clock.section().is_none() {
            self.together.wait();
        }
    }
}

/// One guest's clock.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    start: Start,
    /// The section so far, and the processor time at the last reading.
    noted: Arc<Mutex<Option<(Section, u64)>>>,
}

impl Clock {
    pub(super) fn new(start: &Start) -> Self {
        Self { start: start.clone(), noted: Arc::default() }
    }

    /// The section, if the guest came to it.
    pub(super) fn section(&self) -> Option<Section> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).map(|(section, _)| section)
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.start.origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl HostMonotonicClock for Clock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        let ended = self.elapsed();
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((section, last)) = &mut *noted {
            let processor = processor_time();
            section.ended = ended;
            section.processor = processor.saturating_sub(*last);
            *last = processor;
            return ended;
        }
        self.start.together.wait();
        let processor = processor_time();
        let began = self.elapsed();
        *noted = Some((Section { began, ended: began, processor: 0 }, processor));
        began
    }
}

/// Processor time of this process so far, in nanoseconds.
pub(super) fn processor_time() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    u64::try_from(i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec)).unwrap_or(0)
}
