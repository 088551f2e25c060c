//! Volumes that live in an S3 bucket: the parts below the synchronisation.
//!
//! What lives here: how a tree lies in a bucket ([`layout`]), and which names
//! each inode has ([`mirror`]). What does not: requests (larder-bucket), and
//! the tree itself (larder-core).
#![forbid(unsafe_code)]

pub mod layout;
pub mod mirror;
