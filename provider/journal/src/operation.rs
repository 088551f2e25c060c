//! Operations as records: by path, as of their place in the order.
//!
//! A record's body is a head in postcard's format; behind it a write has its
//! bytes as they are. Its sequence number is the frame's.

use std::borrow::Cow;

use bytes::Bytes;
use larder_core::{Made, SetTime, Source, Timestamp};
use serde::{Deserialize, Serialize};

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// An empty file.
    File {
        /// Permission bits.
        mode: u32,
    },
    /// An empty directory.
    Directory {
        /// Permission bits.
        mode: u32,
    },
    /// A symbolic link.
    Symlink {
        /// What it holds.
        target: String,
    },
}

/// One operation that was carried out, as it is recovered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are named as in `larder_core::Change`")]
pub enum Operation {
    /// Something was made under a name.
    Create { path: String, made: Created },
    /// What `from` names got another name.
    Link { from: String, to: String },
    /// A name is gone.
    Remove { path: String },
    /// A name moved, and replaced what had the other one.
    Rename { from: String, to: String },
    /// Bytes were written at `offset`.
    Write { path: String, offset: u64, data: Bytes },
    /// The length was set.
    SetSize { path: String, size: u64 },
    /// Times were set; never to `Now`.
    SetTimes { path: String, accessed: SetTime, modified: SetTime },
    /// Permission bits were set.
    SetMode { path: String, mode: u32 },
}

/// One operation as it is noted. As [`Operation`], borrowed.
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the fields are named as in `larder_core::Change`")]
pub enum Note<'a> {
    /// Something was made under a name.
    Create { path: &'a str, made: Made<'a> },
    /// What `from` names got another name.
    Link { from: &'a str, to: &'a str },
    /// A name is gone.
    Remove { path: &'a str },
    /// A name moved, and replaced what had the other one.
    Rename { from: &'a str, to: &'a str },
    /// Bytes were written at `offset`.
    Write { path: &'a str, offset: u64, data: &'a dyn Source },
    /// The length was set.
    SetSize { path: &'a str, size: u64 },
    /// Times were set. `Now` is the time of the operation.
    SetTimes { path: &'a str, accessed: SetTime, modified: SetTime },
    /// Permission bits were set.
    SetMode { path: &'a str, mode: u32 },
}

/// What the backend had under a name, as far as it was known, when an
/// operation changed what the name stands for: if it has something else on
/// recovery, somebody else changed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// The name.
    pub path: String,
    /// The backend's version of it, such as an ETag; `None` where it had
    /// nothing there, or did not have it yet.
    pub version: Option<String>,
    /// The file's length in bytes, in that version.
    pub size: u64,
}

/// One operation, where and when it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place in the order.
    pub seq: u64,
    /// When it happened.
    pub time: Timestamp,
    /// What it changed.
    pub bases: Vec<Base>,
    /// What happened.
    pub operation: Operation,
}

/// A [`Timestamp`] as it is encoded: seconds and nanoseconds.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Instant(i64, u32);

impl From<Timestamp> for Instant {
    fn from(time: Timestamp) -> Self {
        Self(time.seconds, time.nanoseconds)
    }
}

impl Instant {
    fn timestamp(self) -> Option<Timestamp> {
        Some(Timestamp { seconds: self.0, nanoseconds: self.1 }).filter(Timestamp::is_valid)
    }
}

#[derive(Serialize, Deserialize)]
struct Head<'a> {
    time: Instant,
    bases: Cow<'a, [Base]>,
    #[serde(borrow)]
    operation: HeadOperation<'a>,
}

/// The order of the variants is the format.
#[derive(Serialize, Deserialize)]
enum HeadOperation<'a> {
    CreateFile { path: &'a str, mode: u32 },
    CreateDirectory { path: &'a str, mode: u32 },
    CreateSymlink { path: &'a str, target: &'a str },
    Link { from: &'a str, to: &'a str },
    Remove { path: &'a str },
    Rename { from: &'a str, to: &'a str },
    Write { path: &'a str, offset: u64 },
    SetSize { path: &'a str, size: u64 },
    SetTimes { path: &'a str, accessed: Option<Instant>, modified: Option<Instant> },
    SetMode { path: &'a str, mode: u32 },
}

impl<'a> Note<'a> {
    /// Bytes of content that come behind the head.
    pub(crate) fn data(&self) -> Option<&'a dyn Source> {
        match *self {
            Self::Write { data, .. } => Some(data),
            _ => None,
        }
    }

    /// `None` where there is no memory for it.
    pub(crate) fn head(&self, time: Timestamp, bases: &[Base]) -> Option<Vec<u8>> {
        let set = |to: SetTime| match to {
            SetTime::Keep => None,
            SetTime::Now => Some(time.into()),
            SetTime::At(at) => Some(at.into()),
        };
        let operation = match *self {
            Self::Create { path, made: Made::File { mode } } => HeadOperation::CreateFile { path, mode },
            Self::Create { path, made: Made::Directory { mode } } => HeadOperation::CreateDirectory { path, mode },
            Self::Create { path, made: Made::Symlink { target } } => HeadOperation::CreateSymlink { path, target },
            Self::Link { from, to } => HeadOperation::Link { from, to },
            Self::Remove { path } => HeadOperation::Remove { path },
            Self::Rename { from, to } => HeadOperation::Rename { from, to },
            Self::Write { path, offset, .. } => HeadOperation::Write { path, offset },
            Self::SetSize { path, size } => HeadOperation::SetSize { path, size },
            Self::SetTimes { path, accessed, modified } => {
                HeadOperation::SetTimes { path, accessed: set(accessed), modified: set(modified) }
            }
            Self::SetMode { path, mode } => HeadOperation::SetMode { path, mode },
        };
        postcard::to_allocvec(&Head { time: time.into(), bases: Cow::Borrowed(bases), operation }).ok()
    }
}

impl Record {
    /// From a frame's body; shares its bytes. `None` for what is no record.
    pub(crate) fn decode(seq: u64, body: &Bytes) -> Option<Self> {
        let (head, rest) = postcard::take_from_bytes::<Head<'_>>(body).ok()?;
        let set = |to: Option<Instant>| match to {
            None => Some(SetTime::Keep),
            Some(at) => at.timestamp().map(SetTime::At),
        };
        let create = |path: &str, made| Operation::Create { path: path.to_owned(), made };
        let operation = match head.operation {
            HeadOperation::Write { path, offset } => {
                Operation::Write { path: path.to_owned(), offset, data: body.slice_ref(rest) }
            }
            _ if !rest.is_empty() => return None,
            HeadOperation::CreateFile { path, mode } => create(path, Created::File { mode }),
            HeadOperation::CreateDirectory { path, mode } => create(path, Created::Directory { mode }),
            HeadOperation::CreateSymlink { path, target } => {
                create(path, Created::Symlink { target: target.to_owned() })
            }
            HeadOperation::Link { from, to } => Operation::Link { from: from.to_owned(), to: to.to_owned() },
            HeadOperation::Remove { path } => Operation::Remove { path: path.to_owned() },
            HeadOperation::Rename { from, to } => Operation::Rename { from: from.to_owned(), to: to.to_owned() },
            HeadOperation::SetSize { path, size } => Operation::SetSize { path: path.to_owned(), size },
            HeadOperation::SetTimes { path, accessed, modified } => {
                Operation::SetTimes { path: path.to_owned(), accessed: set(accessed)?, modified: set(modified)? }
            }
            HeadOperation::SetMode { path, mode } => Operation::SetMode { path: path.to_owned(), mode },
        };
        Some(Self { seq, time: head.time.timestamp()?, bases: head.bases.into_owned(), operation })
    }
}
