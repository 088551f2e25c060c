//! Sizes and durations as people write them: the same as in `larder up` files.

use std::time::Duration;

use larder_volume_file::{parse_duration, parse_size};
use serde_json::Value;

pub(super) const SIZE_HELP: &str = "write a whole number, or a text such as \"64MiB\", \"10k\" or \"2GB\"";
pub(super) const DURATION_HELP: &str = "write whole seconds, or a text such as \"500ms\", \"30s\", \"5m\" or \"2h\"";

/// A size or a count; none where the value is neither.
pub(super) fn size(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => parse_size(text).ok(),
        _ => None,
    }
}

/// A duration; none where the value is none.
pub(super) fn duration(value: &Value) -> Option<Duration> {
    match value {
        Value::Number(number) => number.as_u64()?.checked_mul(1_000).map(Duration::from_millis),
        Value::String(text) => parse_duration(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sizes_and_durations() {
        for (value, expected) in [
            (json!(4096), Some(4096)),
            (json!("64K"), Some(65_536)),
            (json!("64kb"), Some(64_000)),
            (json!("16 MiB"), Some(16 << 20)),
            (json!("1_000"), Some(1_000)),
            (json!("99999999T"), None),
            (json!(-1), None),
            (json!(1.5), None),
            (json!(""), None),
            (json!([1]), None),
        ] {
            assert_eq!(size(&value), expected, "{value}");
        }
        for (value, expected) in [
            (json!(30), Some(30_000)),
            (json!("500ms"), Some(500)),
            (json!("2h"), Some(7_200_000)),
            (json!(u64::MAX), None),
            (json!("soon"), None),
        ] {
            assert_eq!(duration(&value), expected.map(Duration::from_millis), "{value}");
        }
    }
}
