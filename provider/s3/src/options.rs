//! How a volume uses its bucket.

mod modes;

use std::path::PathBuf;
use std::time::Duration;

use larder_bucket::BucketOptions;

pub use modes::{ConflictPolicy, ReadMode, WriteMode};

/// How a volume uses its bucket. Every number bounds something that a guest,
/// or a bucket in trouble, could otherwise exhaust.
#[derive(Clone, Debug)]
pub struct S3Options {
    /// The bucket, where it is, and how long a request may take.
    pub bucket: BucketOptions,
    /// The volume's keys begin with it; empty for the whole bucket. See
    /// [`KeySpace::new`](crate::layout::KeySpace::new).
    pub prefix: String,
    /// What an opening asks the bucket.
    pub read: ReadMode,
    /// When a change is acknowledged.
    pub write: WriteMode,
    /// What happens where another client changed what this one changes.
    pub conflict: ConflictPolicy,
    /// Nothing is written to the bucket: changes fail with `read-only`.
    pub read_only: bool,
    /// With [`ReadMode::Cached`]: contents are loaded at the start too, as far
    /// as `memory` reaches, not on first use.
    pub preload: bool,
    /// Bytes of contents that are held in memory, about: clean ones beyond it
    /// are dropped, and a half of it bounds those that the bucket does not
    /// have yet. Guards the host's memory; at least
    /// [`LEAST_MEMORY`](Self::LEAST_MEMORY).
    pub memory: u64,
    /// Changes that may wait for the bucket. Guards memory against a guest
    /// that makes many small ones.
    pub pending_changes: usize,
    /// With [`WriteMode::Async`]: how long a change waits at most before it
    /// goes to the bucket. The end of a file that is written from front to
    /// back is waited for: until nothing came for so long, and not for more
    /// than a minute, if this is less.
    pub age: Duration,
    /// How long an operation waits for a bucket that takes no changes before
    /// it fails. Guards a guest against hanging.
    pub patience: Duration,
    /// How often the bucket is looked through for changes of others; `None`:
    /// never.
    pub poll: Option<Duration>,
    /// Requests under way at a time. Guards the server and the host's sockets.
    pub parallel: usize,
    /// The directory of this volume's journal and status; a volume that is
    /// open holds a lock on it. Required by [`WriteMode::Async`].
    pub state: Option<PathBuf>,
    /// Where the journal is a JetStream stream, not a file: for hosts without a
    /// disk of their own, or of which another may take the volume over.
    pub journal_server: Option<JournalServer>,
    /// Bytes of the journal. A guest waits, and then fails, before it has more.
    pub journal_bytes: u64,
}

/// A NATS server with JetStream, which keeps journals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalServer {
    /// `nats://HOST[:PORT]` or `tls://HOST[:PORT]`; several are separated by
    /// commas.
    pub url: String,
    /// A credentials file (`.creds`).
    pub credentials: Option<PathBuf>,
    /// A PEM file of authorities, besides the system's, that sign the server's
    /// certificate.
    pub ca: Option<PathBuf>,
    /// How many servers of the cluster keep a journal, from 1 to 5.
    pub replicas: usize,
}

impl Default for JournalServer {
    fn default() -> Self {
        Self { url: String::new(), credentials: None, ca: None, replicas: 1 }
    }
}

impl S3Options {
    /// The least `memory`: what uploads and downloads under way need.
    pub const LEAST_MEMORY: u64 = 64 << 20;

    /// A part of an upload, and the most that a body in one request has: 8 MiB.
    pub const PART: u64 = 8 << 20;

    /// Bytes that the bucket does not have yet.
    #[must_use]
    pub const fn most_dirty(&self) -> u64 {
        self.memory / 2
    }
}

impl Default for S3Options {
    fn default() -> Self {
        Self {
            bucket: BucketOptions::default(),
            prefix: String::new(),
            read: ReadMode::Cached,
            write: WriteMode::Through,
            conflict: ConflictPolicy::BucketWins,
            read_only: false,
            preload: false,
            memory: 256 << 20,
            pending_changes: 100_000,
            age: Duration::from_secs(1),
            patience: Duration::from_secs(30),
            poll: Some(Duration::from_secs(30)),
            parallel: 16,
            state: None,
            journal_server: None,
            journal_bytes: 1 << 30,
        }
    }
}
