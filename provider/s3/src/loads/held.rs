//! The bytes of a chunk that was loaded, counted for as long as anybody has
//! them: the volume, a reader, a frozen content.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::budget::Budget;

/// One chunk's bytes, in an allocation of their own: evicting the chunk frees
/// it, whatever else came with the same answer.
#[derive(Debug)]
pub(super) struct Held {
    bytes: Vec<u8>,
    version: Arc<str>,
    /// Where they are in the file.
    range: Range<u64>,
    budget: Arc<Budget>,
}

impl Held {
    /// `bytes` are those of `range`.
    pub(super) fn new(bytes: Vec<u8>, version: &Arc<str>, range: Range<u64>, budget: &Arc<Budget>) -> Arc<Self> {
        budget.add_loaded(bytes.len() as u64);
        Arc::new(Self { bytes, version: version.clone(), range, budget: budget.clone() })
    }

    /// The bytes, which keep this alive. All that are made here are the same
    /// bytes in memory.
    pub(super) fn share(self: &Arc<Self>) -> Bytes {
        Bytes::from_owner(Owner(self.clone()))
    }

    /// Those of a part, if they are of this version and all are here.
    pub(super) fn part(self: &Arc<Self>, version: &str, range: &Range<u64>) -> Option<Bytes> {
        if *self.version != *version {
            return None;
        }
        slice(&self.share(), &self.range, range)
    }
}

impl Drop for Held {
    /// May run with locks of the volume held: it counts and frees.
    fn drop(&mut self) {
        self.budget.release_loaded(self.bytes.len() as u64);
    }
}

struct Owner(Arc<Held>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0.bytes
    }
}

/// The part `wanted` of the bytes of `have`; `None` where it is not within.
pub(super) fn slice(bytes: &Bytes, have: &Range<u64>, wanted: &Range<u64>) -> Option<Bytes> {
    if wanted.start < have.start || wanted.end > have.end || wanted.start > wanted.end {
        return None;
    }
    let from = usize::try_from(wanted.start - have.start).ok()?;
    let to = usize::try_from(wanted.end - have.start).ok()?;
    (to <= bytes.len()).then(|| bytes.slice(from..to))
}
