//! Escapes, sizes and times as they are written in an address.

use std::time::Duration;

use larder_volume_file::parse_duration;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// What an address, and what is written around one, has a use for.
const VALUE: &AsciiSet = &CONTROLS.add(b' ').add(b'%').add(b'&').add(b'#').add(b':');
const URL: &AsciiSet = &VALUE.remove(b':');
const PREFIX: &AsciiSet = &VALUE.add(b'?');

/// The longest wait: 30 days. Guards sums of times against overflowing.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);

/// `%3F` is `?`, and so on. None where a `%` is not followed by two
/// hexadecimal digits, or the bytes are no UTF-8.
pub(super) fn decoded(text: &str) -> Option<String> {
    let digits = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if !text.split('%').skip(1).all(digits) {
        return None;
    }
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

pub(super) fn encoded_prefix(prefix: &str) -> String {
    utf8_percent_encode(prefix, PREFIX).to_string()
}

/// A URL keeps its colons: it has none before a single slash.
pub(super) fn encoded_value(key: &str, value: &str) -> String {
    utf8_percent_encode(value, if matches!(key, "endpoint" | "journal-server") { URL } else { VALUE }).to_string()
}

/// `30`, `30s`, `500ms`, `5m`, `2h`, `1d`: more than nothing, 30 days at most.
pub(super) fn time(text: &str) -> Option<Duration> {
    parse_duration(text).filter(|time| !time.is_zero() && *time <= LONGEST)
}

pub(super) fn shown_time(time: Duration) -> String {
    let milliseconds = time.as_millis();
    if milliseconds.is_multiple_of(1_000) { format!("{}s", milliseconds / 1_000) } else { format!("{milliseconds}ms") }
}

/// With the largest binary suffix that it is a multiple of.
pub(super) fn shown_size(bytes: u64) -> String {
    let suffixes = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let fitting = suffixes.iter().find(|(_, bits)| bytes != 0 && bytes.is_multiple_of(1 << bits));
    fitting.map_or_else(|| bytes.to_string(), |(suffix, bits)| format!("{}{suffix}", bytes >> bits))
}
