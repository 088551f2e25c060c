//! `ListObjectsV2`: keys in the order of their bytes, grouped by a delimiter,
//! page by page.

use std::collections::BTreeMap;
use std::ops::Bound;

use data_encoding::HEXLOWER;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::{CommonPrefix, EncodingType, ListObjectsV2Input, ListObjectsV2Output, Object, Timestamp};
use s3s::{S3Result, s3_error};

use super::names::Entry;

const MOST: i32 = 1000;

/// What `encoding-type=url` leaves.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'*');

enum Found<'a> {
    Key(&'a str, &'a Entry),
    Prefix(&'a str),
}

pub(super) fn list(names: &BTreeMap<String, Entry>, input: ListObjectsV2Input) -> S3Result<ListObjectsV2Output> {
    let prefix = input.prefix.unwrap_or_default();
    let delimiter = input.delimiter.clone().unwrap_or_default();
    let after = match &input.continuation_token {
        Some(token) => decoded(token)?,
        None => input.start_after.clone().unwrap_or_default(),
    };
    let most = input.max_keys.unwrap_or(MOST).clamp(0, MOST);
    let limit = usize::try_from(most).unwrap();
    let mut found = page(names, &prefix, &delimiter, &after, limit + 1);
    let truncated = found.len() > limit && limit > 0;
    found.truncate(limit);
    let next = found.last().map(|found| match found {
        Found::Key(key, _) => HEXLOWER.encode(key.as_bytes()),
        Found::Prefix(prefix) => HEXLOWER.encode(prefix.as_bytes()),
    });
    let encodes = input.encoding_type.as_ref().is_some_and(|encoding| encoding.as_str() == EncodingType::URL);
    let shown = |text: &str| if encodes { encoded(text) } else { text.to_owned() };
    let (mut contents, mut prefixes) = (Vec::new(), Vec::new());
    for found in &found {
        match found {
            Found::Key(key, entry) => contents.push(object(shown(key), entry)),
            Found::Prefix(prefix) => prefixes.push(CommonPrefix { prefix: Some(shown(prefix)) }),
        }
    }
    Ok(ListObjectsV2Output {
        key_count: Some(i32::try_from(found.len()).unwrap()),
        contents: (!contents.is_empty()).then_some(contents),
        common_prefixes: (!prefixes.is_empty()).then_some(prefixes),
        is_truncated: Some(truncated),
        next_continuation_token: next.filter(|_| truncated),
        continuation_token: input.continuation_token,
        start_after: input.start_after.as_deref().map(shown),
        delimiter: input.delimiter.as_deref().map(shown),
        encoding_type: input.encoding_type,
        max_keys: Some(most),
        prefix: Some(shown(&prefix)),
        name: Some(input.bucket),
        ..Default::default()
    })
}

/// What follows `after`, a key or a common prefix.
fn page<'a>(
    names: &'a BTreeMap<String, Entry>,
    prefix: &str,
    delimiter: &str,
    after: &str,
    limit: usize,
) -> Vec<Found<'a>> {
    let begin = if after < prefix { Bound::Included(prefix) } else { Bound::Excluded(after) };
    let mut found = Vec::new();
    let mut group = "";
    for (key, entry) in names.range::<str, _>((begin, Bound::Unbounded)) {
        if found.len() == limit || !key.starts_with(prefix) {
            break;
        }
        if !group.is_empty() && key.starts_with(group) {
            continue;
        }
        let rest = &key[prefix.len()..];
        match (!delimiter.is_empty()).then(|| rest.find(delimiter)).flatten() {
            None => found.push(Found::Key(key, entry)),
            Some(at) => {
                group = &key[..prefix.len() + at + delimiter.len()];
                if group > after {
                    found.push(Found::Prefix(group));
                }
            }
        }
    }
    found
}

fn object(key: String, entry: &Entry) -> Object {
    let modified: Timestamp = entry.modified.clone();
    Object {
        key: Some(key),
        e_tag: Some(entry.etag.clone()),
        size: Some(entry.size),
        last_modified: Some(modified),
        ..Default::default()
    }
}

/// A space becomes `+`, as of Amazon's.
fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string().replace("%20", "+")
}

fn decoded(token: &str) -> S3Result<String> {
    let bytes = HEXLOWER.decode(token.as_bytes()).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| s3_error!(InvalidArgument, "continuation-token"))
}
