//! S3 servers for tests and benchmarks, and a network before them that a test
//! can spoil.
//!
//! What lives here: [`Weed`], a real SeaweedFS in a process of its own;
//! [`S3sFs`], another server in this process that does what Amazon documents;
//! [`Faults`], which spoils and counts requests. What does not: our client.
//!
//! # What the servers do
//!
//! `tests/servers` asserts all of it, with the status and the code of each
//! error: `table.rs` there has every row. Both have conditions (`If-Match`,
//! `If-None-Match: *`) on PUT, COPY's source and target, COMPLETE (of an upload
//! in parts) and DELETE, and answer 412 where they don't hold; `If-Match` on
//! GET, HEAD and with `Range`; ranges; metadata of at least 8,000 bytes; `a`
//! beside `a/b`; copies of parts with ranges; CRC32 in trailers, checked and
//! kept. An ETag is the MD5 of the content, so that the same content has the
//! same, also after a change of metadata alone. Where they differ:
//!
//! | | SeaweedFS 4.48 | s3s-fs as [`S3sFs`] has it |
//! | --- | --- | --- |
//! | writers at once, same condition: PUT, COPY, DELETE | one wins; who waits for another waits 1 to 5 s | one wins |
//! | the same: COMPLETE | **any number wins** | one wins; the loser has 412, or 409 and no upload |
//! | `If-Match` and no object: PUT, COPY, COMPLETE, DELETE | 412 | 404 `NoSuchKey`, as Amazon |
//! | COMPLETE twice | `ok`; with `If-Match` 412 | 404 `NoSuchUpload` |
//! | ABORT twice | `ok` | 404 `NoSuchUpload` |
//! | metadata of a marker (`d/`) | **lost** | kept |
//! | content of a marker | **lost** | kept |
//! | HEAD `a/` where only `a/b` is | `ok` | 404 |
//! | empty value of metadata | lost | kept |
//! | LIST: order | a directory's content follows its name: `a a/b a! a-b` | bytes: `a a! a-b a/b` |
//! | LIST `start-after` | by that order | by bytes |
//! | LIST `/`, `start-after=a/b` | has `a/` | has not |
//! | LIST `/`, `max-keys` | a page may have one more | as asked |
//! | LIST `/` after the last DELETE in a directory | has the directory still, for a time | has not |
//! | LIST `encoding-type=url`: a space, `*`, `~` | `%20`, `%2A`, `~` | `+`, `*`, `%7E` |
//! | names longer than 255 bytes | 400 `KeyTooLongError` | up to 1,024 bytes of key |
//! | `.` and `..` in keys | 400 `InvalidRequest` | kept |
//! | `a//b`, `/a`, `a\b` as keys | **the same objects as** `a/b`, `a`, `a/b` | kept |
//! | U+0001 in keys | LIST needs `encoding-type=url` | the same |
//! | UploadPart with a wrong CRC32 | 400 `BadDigest` | **not checked** |
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a test fails by panicking"
)]

mod access;
mod faults;
mod ports;
mod s3sfs;
mod store;
mod weed;

pub use access::Access;
pub use aws_sdk_s3::Client;
pub use faults::{Answer, Counts, Fault, Faults, Kind, Rule};
pub use s3sfs::S3sFs;
pub use weed::Weed;
