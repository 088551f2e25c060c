//! Timestamps at the ends of their types.

use wasip2::clocks::wall_clock::Datetime;
use wasip2::filesystem::types::NewTimestamp;

use crate::kit::*;
use crate::{Attack, Outcome};

pub const ATTACKS: &[Attack] = &[("times-extreme", extreme)];

/// Either refused without change, or the same instant is kept; nanoseconds of a
/// second or more are never shown.
fn extreme() -> Outcome {
    let arena = arena()?;
    let file = filled(&arena, "file", b"x")?;
    let mut codes = Codes::default();
    let wanted = &[ErrorCode::Invalid, ErrorCode::Overflow];
    for seconds in [0, 1, 1 << 31, 1 << 33, 1 << 60, (1 << 63) - 1, 1 << 63, u64::MAX] {
        for nanoseconds in [0, 999_999_999, 1_000_000_000, 1 << 31, u32::MAX] {
            let time = Datetime { seconds, nanoseconds };
            let new = || NewTimestamp::Timestamp(time);
            let before = times(&file)?;
            for set in [file.set_times(new(), new()), arena.set_times_at(NO_FOLLOW, "file", new(), new())] {
                match set {
                    Ok(()) => {
                        let after = times(&file)?;
                        if after.1 > 999_999_999 {
                            return Err(format!("{time:?} was taken as {after:?}"));
                        }
                        // Other hosts round to what their file system can keep.
                        if !lenient() || seconds < 1 << 33 {
                            let carry = u64::from(nanoseconds / 1_000_000_000);
                            let wanted = (seconds.checked_add(carry), nanoseconds % 1_000_000_000);
                            same("time kept", (Some(after.0), after.1), wanted)?;
                        }
                        codes.note("kept");
                    }
                    Err(code) => {
                        codes.refused::<()>("set-times", Err(code), wanted)?;
                        same("time after a refusal", times(&file)?, before)?;
                    }
                }
            }
            works("stat", arena.stat_at(NO_FOLLOW, "file"))?;
            works("hash", file.metadata_hash())?;
        }
    }
    codes.done()
}

fn times(file: &Descriptor) -> Result<(u64, u32), String> {
    let stat = works("stat", file.stat())?;
    let time = stat.data_modification_timestamp;
    time.map(|time| (time.seconds, time.nanoseconds)).ok_or_else(|| "no modification time".into())
}
