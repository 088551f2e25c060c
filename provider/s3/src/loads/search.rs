//! Where a version of a file is, also while its object moves.

use std::ops::Range;
use std::time::Duration;

use larder_core::NodeId;

use super::Loads;
use super::error::LoadError;
use crate::place::Place;

/// How long is waited before an object is looked for again that is not where it
/// was. A rename notes the new place when the copy is there and before the old
/// object goes; what comes from elsewhere is noted when it is seen.
const PAUSES: [Duration; 3] = [Duration::from_millis(20), Duration::from_millis(200), Duration::from_millis(1000)];

/// Looks for one version of a file.
pub(super) struct Search<'l> {
    loads: &'l Loads,
    node: NodeId,
    version: &'l str,
    pauses: std::slice::Iter<'static, Duration>,
}

impl<'l> Search<'l> {
    pub(super) fn new(loads: &'l Loads, node: NodeId, version: &'l str) -> Self {
        Self { loads, node, version, pauses: PAUSES.iter() }
    }

    /// Where it is. Looks once more where another version is.
    ///
    /// # Errors
    /// [`LoadError::Gone`].
    pub(super) async fn place(&mut self) -> Result<Place, LoadError> {
        if let Some(place) = self.look()? {
            return Ok(place);
        }
        if let Some(pause) = self.pauses.next() {
            tokio::time::sleep(*pause).await;
        }
        self.look()?.ok_or(LoadError::Gone)
    }

    fn look(&self) -> Result<Option<Place>, LoadError> {
        let places = self.loads.places.upgrade().ok_or(LoadError::Stopped)?;
        Ok(places.place(self.node).filter(|place| *place.version == *self.version))
    }

    /// After a failure: waits, if the object may have moved.
    ///
    /// # Errors
    /// The failure, where looking again makes no sense.
    pub(super) async fn failed(&mut self, error: LoadError) -> Result<(), LoadError> {
        match self.pauses.next() {
            Some(pause) if error.may_have_moved() => {
                tracing::debug!(node = ?self.node, version = self.version, %error, "looking for an object again");
                tokio::time::sleep(*pause).await;
                Ok(())
            }
            _ => Err(error),
        }
    }
}

/// Where the bytes of a range of a file are in its object: for each piece its
/// offset in the file and its range in the object. Pieces follow each other in
/// the object. `None` where the range is not within the file.
pub(super) fn pieces(place: &Place, range: Range<u64>) -> Option<Vec<(u64, Range<u64>)>> {
    if range.end > place.size {
        return None;
    }
    Some(match &place.sparse {
        Some(map) => map.object_range(range),
        None => vec![(range.start, range)],
    })
}
