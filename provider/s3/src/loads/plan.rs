//! Which chunks a download may bring: those that are not in memory.

use std::ops::Range;
use std::sync::Arc;

use larder_core::{NodeId, Volume};

/// The ranges of the file of the chunks `from..` up to `to`, as far as each of
/// them is to be loaded from this version.
pub(super) fn absent(volume: &Volume, node: NodeId, version: &str, from: u64, to: u64) -> Vec<Range<u64>> {
    (from..to).map_while(|index| of_version(volume, node, version, index)).collect()
}

/// The first chunk from `from` on, before `to`, that is to be loaded from this
/// version.
pub(super) fn first_absent(volume: &Volume, node: NodeId, version: &str, from: u64, to: u64) -> Option<u64> {
    (from..to).find(|index| of_version(volume, node, version, *index).is_some())
}

fn of_version(volume: &Volume, node: NodeId, version: &str, index: u64) -> Option<Range<u64>> {
    let (absent, range): (Arc<str>, _) = volume.absent_chunk(node, index).ok()??;
    (*absent == *version).then_some(range)
}
