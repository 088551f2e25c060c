//! Which objects are one file. Tools copy metadata along with an object, so an
//! identity alone says little: objects with one identity are one file as long
//! as they have the same content.

use std::collections::HashMap;

use larder_bucket::Etag;
use larder_core::Adopted;

use super::entry::Arrival;
use crate::layout::LinkId;
use crate::shared::State;

/// Makes an arrival another name of the file that it belongs to, where the
/// volume has it.
pub(super) fn resolve(state: &State, arrival: &mut Arrival) {
    let (Some(link), Some(place)) = (arrival.incoming.link, &arrival.incoming.place) else { return };
    let same = state.catalogue.linked(link).iter().copied().find(|node| {
        let known = state.catalogue.place(*node);
        let is_same = known.is_some_and(|known| known.etag == place.etag && known.size == place.size);
        is_same && state.mirror.names(*node).next().is_some()
    });
    if let Some(node) = same {
        arrival.entry.what = Adopted::Known(node);
        arrival.incoming.place = None;
    }
}

/// Among the entries of one listing, the first of each file.
#[derive(Debug, Default)]
pub(super) struct Firsts(HashMap<(LinkId, Etag, u64), usize>);

impl Firsts {
    /// The index of the entry that is the same file as this one, which is to be
    /// at `index` otherwise.
    pub(super) fn find(&mut self, arrival: &Arrival, index: usize) -> Option<usize> {
        let (Some(link), Some(place)) = (arrival.incoming.link, &arrival.incoming.place) else { return None };
        let first = *self.0.entry((link, place.etag.clone(), place.size)).or_insert(index);
        (first != index).then_some(first)
    }
}
