//! Where the times of changes come from; the store itself has no clock.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use larder_core::Timestamp;

/// The clock that stamps changes: modification, change and access times.
///
/// It is separate from the guest's own wall clock (`WasiCtxBuilder`'s), since
/// many guests may share a volume.
#[derive(Clone, Default)]
pub enum Clock {
    /// The host's system clock.
    #[default]
    System,
    /// Any other source, for tests and replays. Called at every change.
    Custom(Arc<dyn Fn() -> Timestamp + Send + Sync>),
}

impl Clock {
    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => from_system(SystemTime::now()),
            Self::Custom(now) => now(),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "Clock::System",
            Self::Custom(_) => "Clock::Custom",
        })
    }
}

/// Times before 1970 have negative seconds and nanoseconds that count up.
fn from_system(time: SystemTime) -> Timestamp {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => Timestamp { seconds: whole(since), nanoseconds: since.subsec_nanos() },
        Err(before) => {
            let until = before.duration();
            match until.subsec_nanos() {
                0 => Timestamp { seconds: -whole(until), nanoseconds: 0 },
                part => Timestamp { seconds: -1 - whole(until), nanoseconds: Timestamp::NANOSECONDS - part },
            }
        }
    }
}

fn whole(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_have_negative_seconds() {
        let time = SystemTime::UNIX_EPOCH - Duration::from_millis(1_250);
        assert_eq!(from_system(time), Timestamp { seconds: -2, nanoseconds: 750_000_000 });
        let time = SystemTime::UNIX_EPOCH - Duration::from_secs(3);
        assert_eq!(from_system(time), Timestamp { seconds: -3, nanoseconds: 0 });
        let time = SystemTime::UNIX_EPOCH + Duration::new(7, 9);
        assert_eq!(from_system(time), Timestamp { seconds: 7, nanoseconds: 9 });
    }
}
