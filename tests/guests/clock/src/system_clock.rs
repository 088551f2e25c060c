//! The same clock as WASI 0.3 has it.

use crate::exports::wasi::clocks0_3_0::system_clock::{Duration, Guest, Instant};
use crate::{Clock, NOW};

impl Guest for Clock {
    fn now() -> Instant {
        let now = NOW.get();
        // It was set to a time of the suite, far from where the sign is lost.
        Instant { seconds: now.seconds.cast_signed(), nanoseconds: now.nanoseconds }
    }

    fn get_resolution() -> Duration {
        1
    }
}
