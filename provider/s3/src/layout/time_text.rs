//! Timestamps as metadata values: decimal seconds since the epoch.
//!
//! Written as s3fs-fuse writes them: all nine digits of the fraction or none,
//! as s3fs reads the fraction as a number of nanoseconds. rclone, which drops
//! zeros at the end, reads any decimal. Read besides: RFC 3339, which rclone
//! writes for `atime` and `btime`, and floats with an exponent.

use std::time::Duration;

use larder_core::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The longest value that is looked at. Guards the parsers.
const LONGEST: usize = 64;

const NANOSECONDS: i128 = Timestamp::NANOSECONDS as i128;

pub(super) fn write(at: Timestamp) -> String {
    let Timestamp { seconds, nanoseconds } = at;
    match nanoseconds {
        0 => seconds.to_string(),
        // Half a second before -1 is -1.5, which is stored as -2 and a half.
        _ if seconds < 0 => {
            let whole = seconds.saturating_add(1).unsigned_abs();
            format!("-{whole}.{:09}", Timestamp::NANOSECONDS.saturating_sub(nanoseconds))
        }
        _ => format!("{seconds}.{nanoseconds:09}"),
    }
}

/// `None` for what is no time, or one that a [`Timestamp`] cannot hold.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > LONGEST {
        return None;
    }
    let nanoseconds = decimal(text).or_else(|| float(text)).or_else(|| rfc3339(text))?;
    Some(Timestamp {
        seconds: i64::try_from(nanoseconds.div_euclid(NANOSECONDS)).ok()?,
        nanoseconds: u32::try_from(nanoseconds.rem_euclid(NANOSECONDS)).ok()?,
    })
}

fn signed(text: &str) -> (i128, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn decimal(text: &str) -> Option<i128> {
    let (sign, text) = signed(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let fraction: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let whole: i128 = whole.parse().ok()?;
    whole.checked_mul(NANOSECONDS)?.checked_add(fraction.parse().ok()?)?.checked_mul(sign)
}

fn float(text: &str) -> Option<i128> {
    let (sign, text) = signed(text);
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let nanoseconds = Duration::try_from_secs_f64(text.parse().ok()?).ok()?.as_nanos();
    i128::try_from(nanoseconds).ok()?.checked_mul(sign)
}

fn rfc3339(text: &str) -> Option<i128> {
    OffsetDateTime::parse(text, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp_nanos)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn at(seconds: i64, nanoseconds: u32) -> Timestamp {
        Timestamp { seconds, nanoseconds }
    }

    #[test]
    fn as_s3fs_writes_them() {
        assert_eq!(write(at(1_700_000_000, 0)), "1700000000");
        assert_eq!(write(at(1_700_000_000, 5)), "1700000000.000000005");
        assert_eq!(write(at(-2, 500_000_000)), "-1.500000000");
        assert_eq!(write(at(-1, 999_999_999)), "-0.000000001");
    }

    #[test]
    fn what_other_tools_write() {
        for (text, time) in [
            ("1354040105.123456789", at(1_354_040_105, 123_456_789)),
            ("1354040105.1", at(1_354_040_105, 100_000_000)),
            ("1354040105.1234567891", at(1_354_040_105, 123_456_789)),
            ("1354040105.", at(1_354_040_105, 0)),
            (" +7 ", at(7, 0)),
            ("-0.5", at(-1, 500_000_000)),
            ("1.5e+09", at(1_500_000_000, 0)),
            ("2006-01-02T15:04:05.999999999Z", at(1_136_214_245, 999_999_999)),
            ("2006-01-02T15:04:05+01:00", at(1_136_210_645, 0)),
        ] {
            assert_eq!(read(text), Some(time), "{text}");
        }
    }

    #[test]
    fn garbage_is_no_time() {
        let long = "1".repeat(9999);
        let digits = "9".repeat(60);
        for text in
            ["", "-", ".", "1.-5", "1.2.3", "--1", "inf", "nan", "1e300", "yesterday", "\u{661}", &long, &digits]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_time_survives(seconds in any::<i64>(), nanoseconds in 0..Timestamp::NANOSECONDS) {
            prop_assert_eq!(read(&write(at(seconds, nanoseconds))), Some(at(seconds, nanoseconds)));
        }

        #[test]
        fn times_around_the_epoch_survive(seconds in -3_i64..3, nanoseconds in 0..Timestamp::NANOSECONDS) {
            prop_assert_eq!(read(&write(at(seconds, nanoseconds))), Some(at(seconds, nanoseconds)));
        }

        #[test]
        fn any_text_is_read(text in "[-+0-9.eETZ: ]{0,70}") {
            prop_assert!(read(&text).is_none_or(|time| time.is_valid()));
        }
    }

    #[test]
    fn the_ends_survive() {
        for time in [at(i64::MIN, 0), at(i64::MIN, 1), at(i64::MAX, 999_999_999)] {
            assert_eq!(read(&write(time)), Some(time));
        }
    }
}
