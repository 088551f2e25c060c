//! What has passed.

use std::collections::BTreeMap;

use super::Kind;

/// The requests that have come, whatever was done with them, and the bytes of
/// bodies that were carried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub(super) kinds: BTreeMap<Kind, u64>,
    pub(super) methods: BTreeMap<String, u64>,
    /// Requests that a rule spoiled, without those that it only slowed down.
    pub spoiled: u64,
    /// Bytes of bodies from clients to the server.
    pub sent: u64,
    /// Bytes of bodies from the server to clients.
    pub received: u64,
}

impl Counts {
    /// The requests of a kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> u64 {
        self.kinds.get(&kind).copied().unwrap_or_default()
    }

    /// The requests with a method, in capitals.
    #[must_use]
    pub fn method(&self, method: &str) -> u64 {
        self.methods.get(method).copied().unwrap_or_default()
    }

    /// All requests of an upload in parts.
    #[must_use]
    pub fn multipart(&self) -> u64 {
        let kinds = [Kind::CreateMultipart, Kind::UploadPart, Kind::UploadPartCopy, Kind::CompleteMultipart];
        kinds.into_iter().chain([Kind::AbortMultipart, Kind::ListMultipart]).map(|kind| self.of(kind)).sum()
    }

    /// All requests.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.kinds.values().sum()
    }
}
