//! The journal in a JetStream stream, one for each volume: for hosts that have
//! no disk of their own.
//!
//! The stream has one subject, keeps its messages in files, refuses new ones
//! where it is full, and is purged from the oldest on. A message is a heading
//! and whole frames; a frame that is larger than a message may be is cut into
//! several (`message`). Every message is published with the number of the one
//! before it: of two writers only the last that opened the journal gets on,
//! and the other is told.
//!
//! Acknowledged and synced are the same: the server has it. Whether it
//! survives the server's machine is up to the stream's replicas, and the
//! server's `sync_interval`.

mod line;
mod message;
mod open;
mod records;
mod sink;
mod stream;

use std::time::Duration;

use async_nats::ConnectOptions;
use data_encoding::HEXLOWER;
use larder_core::Timestamp;
use sha2::{Digest, Sha256};

use crate::group::Group;
use crate::{Base, Bounds, JournalStore, Note, Recovered, Result};

use self::sink::NatsSink;

/// Bytes of the identity's SHA-256 in a stream's name.
const NAME_BYTES: usize = 16;

/// How a [`NatsJournal`] is opened.
#[derive(Debug)]
pub struct NatsOptions {
    /// The server, such as `nats://host:4222`.
    pub server: String,
    /// How to connect to it: credentials, certificates.
    pub connect: ConnectOptions,
    /// Which volume's journal it is, such as `s3://endpoint/bucket/prefix`; at
    /// most 4 KiB, as it is the stream's description.
    pub identity: String,
    /// The stream. Its subject is `larder.journal.` and this. It is made where
    /// it does not exist.
    pub stream: String,
    /// How many servers of the cluster keep it, from 1 to 5.
    pub replicas: usize,
    /// What it may hold. The stream is allowed somewhat more, for markers and
    /// headings.
    pub bounds: Bounds,
    /// How long a call waits for the server at most.
    pub deadline: Duration,
}

impl NatsOptions {
    /// The default for a volume: a stream that is named by the identity's
    /// hash, one replica, and 10 seconds.
    #[must_use]
    pub fn new(server: impl Into<String>, connect: ConnectOptions, identity: impl Into<String>) -> Self {
        let identity = identity.into();
        let hash = Sha256::digest(identity.as_bytes());
        let hash = HEXLOWER.encode(hash.get(..NAME_BYTES).unwrap_or(&hash));
        Self {
            server: server.into(),
            connect,
            identity,
            stream: format!("LARDER_JOURNAL_{hash}"),
            replicas: 1,
            bounds: Bounds::default(),
            deadline: Duration::from_secs(10),
        }
    }
}

/// A journal in a stream. Whoever opens it takes it over.
#[derive(Debug)]
pub struct NatsJournal {
    group: Group<NatsSink>,
}

impl NatsJournal {
    /// Connects, opens the journal and takes it over. Connecting has a thread
    /// of its own; the caller is blocked meanwhile, at most for a few times
    /// the deadline.
    ///
    /// # Errors
    /// `Server`, `Identity`, `Version`, `Damaged`. Damage of a record is told
    /// when it is read.
    pub fn open(options: NatsOptions) -> Result<(Self, Recovered)> {
        let bounds = options.bounds;
        let (sink, recovered) = open::open(options)?;
        let group = Group::new(sink, bounds, recovered.last, recovered.stored);
        Ok((Self { group }, recovered))
    }
}

impl JournalStore for NatsJournal {
    fn admit(&self, bytes: u64) -> Result<()> {
        self.group.admit(bytes)
    }

    fn note(&self, seq: u64, time: Timestamp, bases: &[Base], note: Note<'_>) -> Result<()> {
        self.group.note(seq, time, bases, note)
    }

    fn acknowledge(&self, seq: u64) -> Result<()> {
        self.group.acknowledge(seq)
    }

    fn sync(&self) -> Result<()> {
        self.group.sync()
    }

    fn begin(&self, up_to: u64, group: &[u8]) -> Result<()> {
        self.group.begin(up_to, group)
    }

    fn stored(&self, up_to: u64) -> Result<()> {
        self.group.stored(up_to)
    }

    fn size(&self) -> u64 {
        self.group.size()
    }
}
