//! A step of a group as it is carried out, by the process that planned it or
//! by one that finds its note later.

use bytes::Bytes;
use larder_bucket::{Condition, Etag, Metadata, Part, Upload};
use serde::{Deserialize, Serialize};

/// When a step is carried out: each phase after the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// Deletions that make room for what is put.
    Early,
    /// The same of directories, the deepest first.
    EarlyMarker,
    /// Markers of directories, those above first: before anything is put below
    /// them. SeaweedFS makes a directory for what is put, and one that it makes at
    /// the same moment takes the marker's place: what was acknowledged is gone.
    PutMarker,
    /// What else is new.
    Put,
    /// Deletions.
    Delete,
    /// Those of directories, the deepest first.
    Marker,
}

impl Phase {
    /// Whether the steps are carried out one after another.
    pub(crate) const fn is_in_order(self) -> bool {
        matches!(self, Self::EarlyMarker | Self::PutMarker | Self::Marker)
    }
}

/// One change of one object. Carrying it out twice is the same as once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) key: String,
    /// The path of the volume that it is for.
    pub(crate) path: String,
    pub(crate) phase: Phase,
    pub(crate) condition: Condition,
    /// In the metadata of what is put, as [`Token`](crate::layout::Token)
    /// writes it; empty for a deletion.
    pub(crate) token: String,
    pub(crate) what: Do,
}

/// What is done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Do {
    /// A small object. In an intent, its bytes are `length` bytes of the data.
    Put {
        metadata: Metadata,
        #[serde(skip)]
        body: Bytes,
        length: u64,
    },
    /// A large one whose parts are there.
    Complete { metadata: Metadata, upload: Upload, parts: Vec<Part> },
    /// A copy of another object's version.
    Copy { metadata: Metadata, from: String, etag: Etag },
    /// None.
    Delete,
}
