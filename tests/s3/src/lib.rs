//! S3 servers for tests.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod access;
mod faults;
mod ports;
mod s3sfs;
mod weed;

pub use access::{Access, make_bucket};
pub use faults::{Answer, Counts, Fault, Faults, Kind, Rule};
pub use s3sfs::S3sFs;
pub use weed::Weed;
