//! What a volume tells of itself.

use serde::{Deserialize, Serialize};

/// How a volume and its bucket get on. Written to `status.json` in the state
/// directory, and read by `larder s3 status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// Where the volume is: `s3://bucket/prefix`.
    pub address: String,
    /// The process that has it open.
    pub process: u32,
    /// When this was written, in seconds since 1970.
    pub written: u64,
    /// `restoring`, `ready`, `failing`, `halted` (a conflict under the policy
    /// `fail`) or `closed`.
    pub state: String,
    /// What the bucket answers now, where it is failing; with what to do.
    pub trouble: Option<String>,
    /// How often it failed since the start, after all attempts of a request.
    pub failures: u64,
    /// Directories that were listed, and that wait for it, in restoring.
    pub listed_directories: u64,
    /// Objects that were found in listing.
    pub listed_objects: u64,
    /// Directories known that are not listed yet.
    pub unlisted_directories: u64,
    /// Changes recorded since the start.
    pub recorded: u64,
    /// Of these, those that the bucket has.
    pub stored: u64,
    /// Bytes of contents that wait for the bucket.
    pub dirty_bytes: u64,
    /// Bytes of contents in memory that the bucket has, about.
    pub clean_bytes: u64,
    /// Bytes that were dropped from memory since the start.
    pub evicted_bytes: u64,
    /// Bytes in the journal.
    pub journal_bytes: u64,
    /// Changes of other clients that were applied.
    pub external_changes: u64,
    /// Conflicts with changes of other clients.
    pub conflicts: u64,
    /// The newest conflicts, each a sentence; at most
    /// [`MOST_REPORTS`](Self::MOST_REPORTS).
    pub conflict_reports: Vec<String>,
    /// Keys that are left alone as they are no paths, each with the reason; at
    /// most [`MOST_REPORTS`](Self::MOST_REPORTS).
    pub foreign_keys: Vec<String>,
    /// How many there are.
    pub foreign: u64,
    /// Requests by the S3 API's names, since the start.
    pub requests: Vec<(String, u64)>,
    /// Bytes uploaded and downloaded since the start.
    pub uploaded_bytes: u64,
    /// See `uploaded_bytes`.
    pub downloaded_bytes: u64,
}

impl Status {
    /// The most sentences of one kind. Guards memory against a bucket full of
    /// what is no volume.
    pub const MOST_REPORTS: usize = 100;

    /// The file's name in the state directory.
    pub const FILE: &str = "status.json";
}
