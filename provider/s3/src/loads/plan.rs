//! Which chunks a download may bring: those that are not in memory, nor on
//! their way.

use std::ops::Range;

use larder_core::{NodeId, Volume};

use super::Loads;

/// What is to be loaded of one version of a file.
pub(super) struct Plan<'v> {
    volume: &'v Volume,
    node: NodeId,
    version: &'v str,
    /// Chunks that are on their way, or wait in a marker.
    coming: Vec<Range<u64>>,
}

impl<'v> Plan<'v> {
    /// What was on its way before the volume is asked: a chunk that arrives
    /// meanwhile is in neither's answer otherwise.
    pub(super) fn new(loads: &Loads, volume: &'v Volume, node: NodeId, version: &'v str) -> Self {
        let mut coming = loads.flights.coming(node, version);
        coming.extend(loads.patterns.lock().markers(node).map(|index| index..index + 1));
        Self { volume, node, version, coming }
    }

    /// The ranges of the file of the chunks `from..` up to `to`, as far as each
    /// of them is to be loaded.
    pub(super) fn run(&self, from: u64, to: u64) -> Vec<Range<u64>> {
        (from..to).map_while(|index| self.absent(index)).collect()
    }

    /// The first chunk from `from` on, before `to`, that is to be loaded.
    pub(super) fn first(&self, from: u64, to: u64) -> Option<u64> {
        (from..to).find(|index| self.absent(*index).is_some())
    }

    /// The range of a chunk that is to be loaded, on its way or not.
    pub(super) fn range(&self, index: u64) -> Option<Range<u64>> {
        let (version, range) = self.volume.absent_chunk(self.node, index).ok()??;
        (*version == *self.version).then_some(range)
    }

    fn absent(&self, index: u64) -> Option<Range<u64>> {
        let is_coming = self.coming.iter().any(|coming| coming.contains(&index));
        if is_coming { None } else { self.range(index) }
    }
}
