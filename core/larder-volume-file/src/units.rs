//! Sizes and durations as people write them.

use std::time::Duration;

/// The suffixes of sizes with the number of bytes that each stands for. A
/// single letter is binary, as in `dd` and `truncate`; `KB`, `MB`… are decimal.
const SIZE_SUFFIXES: &[(&str, u64)] = &[
    ("", 1),
    ("b", 1),
    ("k", 1 << 10),
    ("kib", 1 << 10),
    ("kb", 1_000),
    ("m", 1 << 20),
    ("mib", 1 << 20),
    ("mb", 1_000_000),
    ("g", 1 << 30),
    ("gib", 1 << 30),
    ("gb", 1_000_000_000),
    ("t", 1 << 40),
    ("tib", 1 << 40),
    ("tb", 1_000_000_000_000),
];

/// The suffixes of durations with the number of milliseconds of each. A plain
/// number is in seconds.
const DURATION_SUFFIXES: &[(&str, u64)] =
    &[("ms", 1), ("", 1_000), ("s", 1_000), ("m", 60_000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Splits `text` into its leading digits and the suffix behind them.
fn number_and_suffix(text: &str) -> Option<(u64, String)> {
    let text = text.trim();
    let end = text.find(|character: char| !character.is_ascii_digit() && character != '_').unwrap_or(text.len());
    let (digits, suffix) = text.split_at(end);
    let number = digits.replace('_', "").parse().ok()?;
    Some((number, suffix.trim().to_ascii_lowercase()))
}

/// The number that `text` begins with, times what its suffix stands for in
/// `table`; none where it is neither, or too large. Suffixes are lower-case in
/// the table and of any case in the text.
fn scaled(text: &str, table: &[(&str, u64)]) -> Option<u64> {
    let (number, suffix) = number_and_suffix(text)?;
    let (_, factor) = table.iter().find(|(name, _)| *name == suffix)?;
    number.checked_mul(*factor)
}

/// Parses a size or a count: `4096`, `64M`, `64MiB`, `1GB`.
///
/// # Errors
/// A sentence that says which forms are accepted.
pub fn parse_size(text: &str) -> Result<u64, String> {
    scaled(text, SIZE_SUFFIXES).ok_or_else(|| {
        format!("`{text}` is not a size: write a whole number with an optional suffix such as 4096, 64KiB, 16M or 2GiB")
    })
}

/// Parses a duration: `30`, which is in seconds, `500ms`, `30s`, `5m`, `2h`, `1d`;
/// none where it is none, or longer than milliseconds can count. Whether it may be
/// nothing, and how long it may be, is the caller's to say.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    scaled(text, DURATION_SUFFIXES).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_take_binary_and_decimal_suffixes() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4096),
            ("64K", 65_536),
            ("64KiB", 65_536),
            ("64kb", 64_000),
            ("16 MiB", 16 << 20),
            ("2G", 2 << 30),
            ("1_000", 1_000),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "x", "-1", "1.5M", "12 parsecs", "99999999999999999999", "99999999999T"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_in_seconds_unless_they_say_otherwise() {
        for (text, milliseconds) in [("0", 0), ("30", 30_000), ("500ms", 500), ("5 min", 300_000), ("1D", 86_400_000)] {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "soon", "-1s", "1.5h", "99999999999999999999", "999999999999999999d"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
