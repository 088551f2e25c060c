//! The header `Range` (RFC 9110, section 14), of one range of bytes.

/// What of a file a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All, also where the header is not understood: section 14.2 allows it.
    All,
    /// `length` bytes, at least one, from `start`.
    Part { start: u64, length: u64 },
    /// A range beyond the end.
    Beyond,
}

/// Reads the header's value for a file of `size` bytes. Of several ranges none
/// is served, but all of the file.
pub fn parse(value: &str, size: u64) -> Wanted {
    let Some((first, last)) = value.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Wanted::All;
    };
    let (start, end) = match (number(first), number(last)) {
        (Some(start), Some(last)) if start <= last => (start, last.saturating_add(1).min(size)),
        (Some(start), None) if last.is_empty() => (start, size),
        // The last bytes of the file.
        (None, Some(length)) if first.is_empty() => match length {
            0 => return Wanted::Beyond,
            _ => (size.saturating_sub(length), size),
        },
        _ => return Wanted::All,
    };
    match end.checked_sub(start) {
        None | Some(0) => Wanted::Beyond,
        Some(length) => Wanted::Part { start, length },
    }
}

/// Digits alone: std also takes a sign.
fn number(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(start: u64, length: u64) -> Wanted {
        Wanted::Part { start, length }
    }

    #[test]
    fn one_range() {
        assert_eq!(parse("bytes=0-9", 100), part(0, 10));
        assert_eq!(parse("bytes=90-", 100), part(90, 10));
        assert_eq!(parse("bytes=-5", 100), part(95, 5));
        assert_eq!(parse("bytes=99-99", 100), part(99, 1));
    }

    #[test]
    fn ranges_end_with_the_file() {
        assert_eq!(parse("bytes=90-200", 100), part(90, 10));
        assert_eq!(parse("bytes=-200", 100), part(0, 100));
        assert_eq!(parse(&format!("bytes=1-{}", u64::MAX), 100), part(1, 99));
    }

    #[test]
    fn beyond_the_end() {
        assert_eq!(parse("bytes=100-", 100), Wanted::Beyond);
        assert_eq!(parse("bytes=200-300", 100), Wanted::Beyond);
        assert_eq!(parse("bytes=-0", 100), Wanted::Beyond);
        assert_eq!(parse("bytes=0-", 0), Wanted::Beyond);
        assert_eq!(parse("bytes=-1", 0), Wanted::Beyond);
    }

    #[test]
    fn what_is_not_understood_is_all() {
        for value in ["", "bytes=", "bytes=-", "bytes=9-1", "lines=1-2", "bytes=1-2,5-6", "bytes=+1-2", "bytes=a-b"] {
            assert_eq!(parse(value, 100), Wanted::All, "{value}");
        }
        assert_eq!(parse(&format!("bytes=0-{}0", u64::MAX), 100), Wanted::All);
    }
}
