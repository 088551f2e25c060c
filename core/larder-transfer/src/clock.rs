//! Between the host's clock and the store's timestamps.

use std::time::{Duration, SystemTime};

use larder_core::Timestamp;

/// The time of the host's clock.
#[must_use]
pub fn now() -> Timestamp {
    from_system(SystemTime::now())
}

/// A host time; one outside of 64-bit seconds becomes the nearest inside.
pub(crate) fn from_system(time: SystemTime) -> Timestamp {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => {
            Timestamp { seconds: i64::try_from(after.as_secs()).unwrap_or(i64::MAX), nanoseconds: after.subsec_nanos() }
        }
        Err(error) => before_epoch(error.duration()),
    }
}

/// `before` the epoch: whole seconds round down, nanoseconds count up.
fn before_epoch(before: Duration) -> Timestamp {
    let seconds = 0i64.checked_sub_unsigned(before.as_secs()).unwrap_or(i64::MIN);
    match before.subsec_nanos() {
        0 => Timestamp::from_seconds(seconds),
        nanoseconds => {
            Timestamp { seconds: seconds.saturating_sub(1), nanoseconds: Timestamp::NANOSECONDS - nanoseconds }
        }
    }
}

/// The host's time, `None` where the host cannot express it.
pub(crate) fn to_system(time: Timestamp) -> Option<SystemTime> {
    let whole = Duration::from_secs(time.seconds.unsigned_abs());
    let seconds = if time.seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(whole)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(whole)
    };
    seconds?.checked_add(Duration::from_nanos(u64::from(time.nanoseconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_and_after_the_epoch_round_trip() {
        for (seconds, nanoseconds) in
            [(0, 0), (0, 1), (-1, 0), (-1, 999_999_999), (-2, 1), (1 << 40, 5), (i64::MIN, 0), (i64::MAX, 999_999_999)]
        {
            let time = Timestamp { seconds, nanoseconds };
            match to_system(time) {
                Some(system) => assert_eq!(from_system(system), time),
                None => assert!(seconds.unsigned_abs() > 1 << 60, "{time:?}"),
            }
        }
    }
}
