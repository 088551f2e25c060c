//! Numbers in tar headers and PAX records.

use larder_core::Timestamp;

/// A header field: octal digits, or base-256 where the first bit is set (GNU).
/// `None` where it is neither or does not fit.
pub(super) fn field(bytes: &[u8]) -> Option<i64> {
    match bytes.first() {
        Some(first) if first & 0x80 != 0 => base256(bytes),
        _ => octal(bytes),
    }
}

fn octal(bytes: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(bytes).ok()?;
    let digits = text.split('\0').next()?.trim_matches(' ');
    if digits.is_empty() { Some(0) } else { digits.parse::<u64>().ok().and(i64::from_str_radix(digits, 8).ok()) }
}

/// Two's complement, big endian, without the marker bit.
fn base256(bytes: &[u8]) -> Option<i64> {
    let (first, rest) = bytes.split_first()?;
    let sign_extended = i64::from(first & 0x7f) - if first & 0x40 == 0 { 0 } else { 0x80 };
    rest.iter().try_fold(sign_extended, |value, byte| value.checked_mul(256)?.checked_add(i64::from(*byte)))
}

/// A PAX number: decimal digits alone.
pub(super) fn decimal(bytes: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(bytes).ok()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// A PAX time: seconds with an optional sign and fraction, of which nine
/// digits count.
pub(super) fn time(bytes: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (is_negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds = decimal(whole.as_bytes()).filter(|_| !whole.is_empty())?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nine: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let nanoseconds: u32 = nine.parse().ok()?;
    if !is_negative {
        return Some(Timestamp { seconds: i64::try_from(seconds).ok()?, nanoseconds });
    }
    let seconds = 0i64.checked_sub_unsigned(seconds)?;
    match nanoseconds {
        0 => Some(Timestamp { seconds, nanoseconds }),
        _ => Some(Timestamp { seconds: seconds.checked_sub(1)?, nanoseconds: Timestamp::NANOSECONDS - nanoseconds }),
    }
}

/// A time as PAX writes it; the inverse of [`time`].
pub(super) fn time_text(time: Timestamp) -> String {
    let Timestamp { seconds, nanoseconds } = time;
    if nanoseconds == 0 {
        return seconds.to_string();
    }
    let text = if seconds < 0 {
        // As a sum of negative parts: -2 s and 0.3 s are -1.7 s.
        let whole = seconds.unsigned_abs() - 1;
        format!("-{whole}.{:09}", Timestamp::NANOSECONDS - nanoseconds)
    } else {
        format!("{seconds}.{nanoseconds:09}")
    };
    text.trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_octal_or_base_256() {
        assert_eq!(field(b"0000644\0"), Some(0o644));
        assert_eq!(field(b"   755 \0"), Some(0o755));
        assert_eq!(field(b"\0\0\0"), Some(0));
        assert_eq!(field(b"77777777777\0"), Some(0o77_777_777_777));
        assert_eq!(field(b"0000x44\0"), None);
        assert_eq!(field(b"-000644\0"), None);
        assert_eq!(field(&[0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1]), Some((2 << 32) + 1));
        assert_eq!(field(&[0xff; 12]), Some(-1));
        assert_eq!(field(&[0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), None);
    }

    #[test]
    fn times_round_trip() {
        for (text, seconds, nanoseconds) in [
            ("0", 0, 0),
            ("1.5", 1, 500_000_000),
            ("-0.000000001", -1, 999_999_999),
            ("-1.7", -2, 300_000_000),
            ("-3", -3, 0),
            ("1700000000.123456789", 1_700_000_000, 123_456_789),
            ("9223372036854775807.999999999", i64::MAX, 999_999_999),
            ("-9223372036854775808", i64::MIN, 0),
        ] {
            let expected = Timestamp { seconds, nanoseconds };
            assert_eq!(time(text.as_bytes()), Some(expected), "{text}");
            assert_eq!(time_text(expected), text);
        }
        let extreme = Timestamp { seconds: i64::MIN, nanoseconds: 1 };
        assert_eq!(time(time_text(extreme).as_bytes()), Some(extreme));
        assert_eq!(time(b"1.1234567899"), Some(Timestamp { seconds: 1, nanoseconds: 123_456_789 }));
        for bad in ["", "-", ".5", "1.x", "+1", "1e3", " 1", "99999999999999999999"] {
            assert_eq!(time(bad.as_bytes()), None, "{bad}");
        }
    }
}
