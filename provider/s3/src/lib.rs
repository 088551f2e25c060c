//! Volumes that live in an S3 bucket.
//!
//! What lives here: how a tree lies in a bucket ([`layout`]), which names each
//! inode has ([`mirror`]), and how a volume and its bucket are kept in step
//! ([`S3Volume`]). What does not: requests (larder-bucket), the journal
//! (larder-journal), and the tree itself (larder-core).
#![forbid(unsafe_code)]

mod address;
mod catalogue;
mod changes;
mod commit;
mod engine;
mod error;
mod inspect;
mod journal;
pub mod layout;
mod limits;
mod loads;
pub mod mirror;
mod options;
mod place;
mod recover;
mod replay;
mod restore;
mod session;
mod shared;
mod status;
mod volume;
mod waiting;

pub use address::{S3Address, S3AddressError, S3File};
pub use error::S3Error;
pub use inspect::{Finding, UnderWay, check, under_way};
pub use limits::usual_limits;
pub use options::{ConflictPolicy, JournalServer, ReadMode, S3Options, WriteMode};
pub use status::Status;
pub use volume::S3Volume;
