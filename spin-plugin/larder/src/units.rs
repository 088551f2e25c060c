//! Reading and writing of sizes, durations and times as people write them.

use std::time::Duration;

use larder_core::Timestamp;
pub(crate) use larder_volume_file::parse_size;

const SECONDS_PER_DAY: i64 = 86_400;

/// Parses a duration: `30`, `30s`, `500ms`, `5m`, `2h`.
///
/// # Errors
/// A sentence that says which forms are accepted.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let duration = larder_volume_file::parse_duration(text).ok_or_else(|| {
        format!("`{text}` is not a duration: write a whole number with an optional suffix such as 500ms, 30s, 5m or 2h")
    })?;
    if duration.is_zero() {
        return Err("the duration must be greater than zero".to_owned());
    }
    Ok(duration)
}

/// Writes a number of bytes with a binary suffix and one decimal: `1.5 MiB`.
pub(crate) fn format_size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // Tenths of the unit, in whole numbers: no rounding of large values.
    let mut tenths = u128::from(bytes) * 10;
    let mut name = "B";
    for unit in UNITS {
        if tenths < 10_240 {
            break;
        }
        tenths /= 1024;
        name = unit;
    }
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

/// Writes a time as RFC 3339 in UTC with nanoseconds, for `--json`.
pub(crate) fn format_time_exact(time: Timestamp) -> String {
    let (date, clock) = date_and_clock(time.seconds);
    format!("{date}T{clock}.{:09}Z", time.nanoseconds)
}

/// Writes a time in UTC to the second, for tables that people read.
pub(crate) fn format_time(time: Timestamp) -> String {
    let (date, clock) = date_and_clock(time.seconds);
    format!("{date} {clock}")
}

/// The civil date and the time of day, in UTC, of seconds since 1970.
fn date_and_clock(seconds: i64) -> (String, String) {
    let days = seconds.div_euclid(SECONDS_PER_DAY);
    let of_day = seconds.rem_euclid(SECONDS_PER_DAY);
    // Howard Hinnant's `civil_from_days`; 128 bits, since guests may set any time.
    let z = i128::from(days) + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i128::from(month <= 2);
    (
        format!("{year:04}-{month:02}-{day:02}"),
        format!("{:02}:{:02}:{:02}", of_day / 3_600, of_day / 60 % 60, of_day % 60),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_default_to_seconds_and_are_never_zero() {
        assert_eq!(parse_duration("30"), Ok(Duration::from_secs(30)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("2h"), Ok(Duration::from_secs(7_200)));
        assert!(parse_duration("0").is_err());
        assert!(parse_duration("soon").is_err());
    }

    #[test]
    fn sizes_are_written_with_one_decimal() {
        assert_eq!(format_size(0), "0 B");
        assert_eq!(format_size(1_023), "1023 B");
        assert_eq!(format_size(1_536), "1.5 KiB");
        assert_eq!(format_size(u64::MAX), "15.9 EiB");
    }

    #[test]
    fn times_are_civil_dates_in_utc() {
        let at = |seconds| format_time(Timestamp { seconds, nanoseconds: 0 });
        assert_eq!(at(0), "1970-01-01 00:00:00");
        assert_eq!(at(951_782_399), "2000-02-28 23:59:59");
        assert_eq!(at(951_782_400), "2000-02-29 00:00:00");
        assert_eq!(at(-1), "1969-12-31 23:59:59");
        // The far ends do not overflow.
        let _ = (at(i64::MIN), at(i64::MAX));
    }
}
