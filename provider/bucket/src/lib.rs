//! An S3 bucket as Larder uses one: conditional, checked, bounded in time.
//!
//! This crate knows S3's requests and nothing of volumes. It says *what
//! happened*: each call ends within [`BucketOptions::attempts`] ×
//! [`BucketOptions::request_timeout`] with a result or a [`BucketError`] of a
//! [`BucketErrorKind`] that tells whether to look, to wait or to give up.
//!
//! - **Conditional.** Reads pin a version by its [`Etag`] (`If-Match`), writes
//!   carry a [`Condition`] (`If-Match`, `If-None-Match: *`). A condition that
//!   does not hold is [`BucketErrorKind::Conflict`].
//! - **Checked.** Bodies go up with a checksum that the server verifies, whole
//!   objects that come down are compared with theirs where there is one, and a
//!   range has exactly the length that was asked for or is an error.
//! - **Bounded.** The SDK's own retries are off. This crate repeats a request
//!   itself, so that it knows what it repeated: the error of a call of which
//!   an earlier attempt may have been carried out unseen says so
//!   ([`BucketError::after_retry`]). A `Conflict` after a retry may be the
//!   call's own success; the caller has to look.
//!
//! Keys go to the server as they are. Not every server keeps them so:
//! SeaweedFS takes `\` and `//` for `/`, and refuses `.`, `..` and names of
//! more than 255 bytes between slashes.
//!
//! The operations are those of the [S3 API]; names are its names.
//!
//! [S3 API]: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html

mod body;
mod checksum;
mod client;
mod counts;
mod error;
mod failure;
mod http;
mod list;
mod metadata;
mod multipart;
mod object;
mod options;
mod read;
mod retry;
mod stream;
mod write;

pub use client::Bucket;
pub use counts::{Operation, RequestCounts};
pub use error::{BucketError, BucketErrorKind};
pub use metadata::{LARGEST_METADATA, Metadata};
pub use multipart::{LARGEST_PART, MOST_PARTS, MOST_UPLOADS, Part, SMALLEST_PART, Upload};
pub use object::{Condition, Etag, Listed, Object, Page, Timestamp};
pub use options::BucketOptions;
pub use stream::GetStream;

/// The longest key that S3 takes: 1024 bytes of UTF-8. A longer one is
/// [`BucketErrorKind::Invalid`] without asking the server.
pub const LONGEST_KEY: usize = 1024;
