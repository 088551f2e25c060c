//! Points in time, and new values for them.

use larder_core::{SetTime, Timestamp};

use crate::messages::{Instant, NewTime, new_time::To};

pub(crate) const fn from_timestamp(time: Timestamp) -> Instant {
    Instant { seconds: time.seconds, nanoseconds: time.nanoseconds }
}

/// None where the nanoseconds are a second or more.
pub(crate) fn to_timestamp(instant: &Instant) -> Option<Timestamp> {
    let time = Timestamp { seconds: instant.seconds, nanoseconds: instant.nanoseconds };
    time.is_valid().then_some(time)
}

pub(crate) fn from_set_time(time: SetTime) -> Option<NewTime> {
    let to = match time {
        SetTime::Keep => return None,
        SetTime::Now => To::Now(true),
        SetTime::At(time) => To::At(from_timestamp(time)),
    };
    Some(NewTime { to: Some(to) })
}

/// None for what is no time: only an absent one is kept.
pub(crate) fn to_set_time(time: Option<&NewTime>) -> Option<SetTime> {
    let Some(time) = time else { return Some(SetTime::Keep) };
    match &time.to {
        Some(To::Now(true)) => Some(SetTime::Now),
        Some(To::At(instant)) => to_timestamp(instant).map(SetTime::At),
        Some(To::Now(false)) | None => None,
    }
}
