//! Which objects are one file. Tools copy metadata along with an object, so an
//! identity alone says little: objects with one identity are one file as long
//! as they have the same content.

use std::collections::HashMap;

use larder_core::{Adopted, NodeId};

use super::entry::Arrival;
use crate::layout::LinkId;
use crate::place::Place;
use crate::shared::State;

/// Makes an arrival another name of the file that it belongs to, where the
/// volume has it. `named`: what its name names, which it may take the identity
/// over from.
pub(super) fn resolve(state: &State, arrival: &mut Arrival, named: Option<NodeId>) {
    let (Some(link), Some(place)) = (arrival.incoming.link, &arrival.incoming.place) else { return };
    let Some(node) = state.catalogue.linked(link) else { return };
    let has_name = state.mirror.names(node).next().is_some();
    if has_name && state.catalogue.place(node).is_some_and(|known| is_same(known, place)) {
        arrival.entry.what = Adopted::Known(node);
        arrival.incoming.place = None;
    } else if has_name && named != Some(node) {
        arrival.incoming.link = None;
    }
}

/// Among the entries of one listing, the first of each file.
#[derive(Debug, Default)]
pub(super) struct Firsts(HashMap<LinkId, (usize, Place)>);

impl Firsts {
    /// The index of the entry that is the same file as this one, which is to be
    /// at `index` otherwise.
    pub(super) fn find(&mut self, arrival: &mut Arrival, index: usize) -> Option<usize> {
        let (Some(link), Some(place)) = (arrival.incoming.link, &arrival.incoming.place) else { return None };
        match self.0.get(&link) {
            Some((first, known)) if is_same(known, place) => return Some(*first),
            Some(_) => arrival.incoming.link = None,
            None => drop(self.0.insert(link, (index, place.clone()))),
        }
        None
    }
}

fn is_same(one: &Place, other: &Place) -> bool {
    one.etag == other.etag && one.size == other.size
}
