//! What S3 tells of objects, and what a write asks of one.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::metadata::Metadata;

/// An object's version, as S3 tells it (`ETag`), without its quotes. Two
/// contents have different etags; it is not a checksum: it is the MD5 of the
/// content for some servers and uploads only.
pub type Etag = Arc<str>;

/// Seconds since 1970-01-01 UTC, and nanoseconds from 0 to 999,999,999.
pub type Timestamp = (i64, u32);

/// What has to be true of the object for a write to happen. The server decides
/// it in one step with the write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// Nothing: whatever is there is replaced.
    Always,
    /// It is the version with this etag (`If-Match`).
    IfMatch(Etag),
    /// It does not exist (`If-None-Match: *`).
    IfAbsent,
}

/// An object without its content (HeadObject).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Its version.
    pub etag: Etag,
    /// The content's length in bytes.
    pub size: u64,
    /// When it was written, by the server's clock; a `HEAD` tells seconds.
    pub modified: Timestamp,
    /// Its `x-amz-meta-` headers, without that prefix, decoded.
    pub metadata: Metadata,
}

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its key, from the bucket's root.
    pub key: String,
    /// Its version.
    pub etag: Etag,
    /// The content's length in bytes.
    pub size: u64,
    /// When it was written, by the server's clock; some servers tell
    /// milliseconds.
    pub modified: Timestamp,
}

/// A part of a listing, in the order of the keys' bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The objects, 1000 at most together with the prefixes.
    pub objects: Vec<Listed>,
    /// With a delimiter: the keys' common beginnings up to the first `/` after
    /// the prefix, that `/` included.
    pub prefixes: Vec<String>,
    /// How to ask for the next page; `None` at the end.
    pub next: Option<String>,
}

/// An etag without the quotes that HTTP puts around it. A weak one
/// (`W/"…"`) stays as it is.
pub(crate) fn unquoted(etag: &str) -> Etag {
    let inner = etag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.unwrap_or(etag).into()
}

/// An etag as a header has it.
pub(crate) fn quoted(etag: &str) -> String {
    if etag.starts_with("W/") { etag.to_owned() } else { format!("\"{etag}\"") }
}

/// A time of the SDK.
pub(crate) fn timestamp(time: Option<&aws_sdk_s3::primitives::DateTime>) -> Timestamp {
    time.map_or((0, 0), |time| (time.secs(), time.subsec_nanos()))
}

impl Condition {
    /// The value of `If-Match`.
    pub(crate) fn if_match(&self) -> Option<String> {
        match self {
            Self::IfMatch(etag) => Some(quoted(etag)),
            Self::Always | Self::IfAbsent => None,
        }
    }

    /// The value of `If-None-Match`.
    pub(crate) fn if_none_match(&self) -> Option<String> {
        (*self == Self::IfAbsent).then(|| "*".to_owned())
    }
}
