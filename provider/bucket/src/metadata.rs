//! An object's own metadata: `x-amz-meta-` headers.
//!
//! Headers hold ASCII. What S3 does with the rest differs between servers, so
//! everything but printable ASCII is percent-encoded on the way out, `%`
//! itself and spaces at the ends included, and decoded on the way back. A `%`
//! that another tool wrote and that no two hexadecimal digits follow stays.
//! SeaweedFS drops empty values: they are a `%` alone, which is nothing else's
//! encoding.

use std::collections::{BTreeMap, HashMap};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::error::BucketError;

/// An object's metadata, by name without `x-amz-meta-`. Names are of lower
/// case ASCII letters, digits and `-`; values may be any text.
pub type Metadata = BTreeMap<String, String>;

/// The most metadata of one object that S3 takes: 2 KB, counted in bytes of
/// the names and the encoded values.
pub const LARGEST_METADATA: usize = 2048;

/// What is encoded besides what is not ASCII.
const ENCODED: &AsciiSet = &CONTROLS.add(b'%');

/// What is encoded at the ends of a value, where HTTP drops it.
const ENCODED_ENDS: &AsciiSet = &ENCODED.add(b' ');

/// The empty value.
const EMPTY: &str = "%";

fn encoded(value: &str) -> String {
    if value.is_empty() {
        return EMPTY.to_owned();
    }
    let inner = value.trim_matches(' ');
    if inner.len() == value.len() {
        return utf8_percent_encode(value, ENCODED).to_string();
    }
    let start = value.len() - value.trim_start_matches(' ').len();
    let (before, rest) = value.split_at(start);
    let (inner, after) = rest.split_at(inner.len());
    format!(
        "{}{}{}",
        utf8_percent_encode(before, ENCODED_ENDS),
        utf8_percent_encode(inner, ENCODED),
        utf8_percent_encode(after, ENCODED_ENDS)
    )
}

/// As headers; [`Invalid`](crate::BucketErrorKind::Invalid) when S3 would not
/// take it.
pub(crate) fn to_headers(key: &str, metadata: &Metadata) -> Result<HashMap<String, String>, BucketError> {
    let mut headers = HashMap::with_capacity(metadata.len());
    let mut size = 0;
    for (name, value) in metadata {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || !name.bytes().all(fits) {
            return Err(BucketError::invalid(format!(
                "metadata of {key:?}: the name {name:?} is not of a-z, 0-9 and '-'"
            )));
        }
        let value = encoded(value);
        size += name.len() + value.len();
        headers.insert(name.clone(), value);
    }
    if size > LARGEST_METADATA {
        return Err(BucketError::invalid(format!(
            "metadata of {key:?} takes {size} bytes; S3 takes {LARGEST_METADATA} at most"
        )));
    }
    Ok(headers)
}

/// From headers, whoever wrote them.
pub(crate) fn from_headers(headers: Option<&HashMap<String, String>>) -> Metadata {
    let decoded = |(name, value): (&String, &String)| {
        let value = if value == EMPTY { "" } else { value };
        let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
        (name.to_ascii_lowercase(), value)
    };
    headers.into_iter().flatten().map(decoded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_survives() {
        for value in ["", "a b", " a ", "  ", "100%", "%", "%41", "ü\u{1F980}\n\t\0", "=?UTF-8?Q?x?="] {
            let headers = to_headers("k", &Metadata::from([("v".into(), value.into())]));
            let headers = headers.unwrap_or_default();
            assert!(headers.values().all(|v| v.bytes().all(|b| (b' '..0x7f).contains(&b))));
            assert!(headers.values().all(|v| v.trim() == v));
            assert_eq!(from_headers(Some(&headers)).get("v").map(String::as_str), Some(value));
        }
    }

    #[test]
    fn what_s3_would_refuse_is_refused() {
        let long = Metadata::from([("v".into(), "ü".repeat(400))]);
        assert!(to_headers("k", &long).is_err());
        for name in ["", "Upper", "a_b", "ü", "a b"] {
            assert!(to_headers("k", &Metadata::from([(name.into(), String::new())])).is_err());
        }
    }

    #[test]
    fn a_foreign_percent_stays() {
        let headers = HashMap::from([("Note".to_owned(), "50% off".to_owned())]);
        assert_eq!(from_headers(Some(&headers)).get("note").map(String::as_str), Some("50% off"));
    }
}
