//! Loading files before anybody reads them.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use larder_core::{CHUNK_BYTES, NodeId, chunks_of};
use tokio::task::JoinHandle;

use super::plan::Plan;
use super::{BLOCK, Loads};
use crate::place::Place;

/// Downloads of one file at a time.
const STREAMS: usize = 3;

impl Loads {
    /// Loads all of a file that is not in memory, as far as nothing has to be
    /// evicted for it; returns when it is there. Failures end it.
    pub(crate) async fn preload(self: &Arc<Self>, node: NodeId) {
        let Some(place) = self.places.upgrade().and_then(|places| places.place(node)) else { return };
        let mut running = VecDeque::new();
        for range in data(&place) {
            let mut chunks = chunks_of(&range);
            while !chunks.is_empty() {
                while running.len() >= STREAMS {
                    finish(running.pop_front()).await;
                }
                match self.preload_next(node, &place, chunks) {
                    Some((next, download)) => {
                        chunks = next;
                        running.extend(download);
                    }
                    None => return finish_all(running).await,
                }
            }
        }
        finish_all(running).await;
    }

    /// Begins the next download of some chunks; gives those behind it. `None`
    /// where it ends here.
    fn preload_next(
        self: &Arc<Self>,
        node: NodeId,
        place: &Place,
        chunks: Range<u64>,
    ) -> Option<(Range<u64>, Option<JoinHandle<()>>)> {
        let volume = self.volume.upgrade()?;
        let room = self.budget.free() / CHUNK_BYTES as u64;
        if room == 0 {
            return None;
        }
        // Bounded: in a file of terabytes many chunks may be there already.
        let look_to = chunks.end.min(chunks.start.saturating_add(BLOCK));
        let plan = Plan::new(self, &volume, node, &place.version);
        let Some(from) = plan.first(chunks.start, look_to) else {
            return Some((look_to..chunks.end, None));
        };
        let to = chunks.end.min(from.saturating_add(BLOCK.min(room)));
        let absent = plan.run(from, to);
        let (takeoff, taken) = self.flights.prefetch(node, &place.version, absent, &self.budget);
        let next = from.saturating_add((taken as u64).max(1));
        Some((next.min(chunks.end)..chunks.end, takeoff.map(|takeoff| self.start(takeoff))))
    }
}

/// Where a file has bytes.
fn data(place: &Place) -> Vec<Range<u64>> {
    match &place.sparse {
        Some(map) => map.ranges().collect(),
        None if place.size == 0 => Vec::new(),
        None => std::iter::once(0..place.size).collect(),
    }
}

async fn finish(download: Option<JoinHandle<()>>) {
    if let Some(download) = download {
        // Its failure is told in the log.
        let _ = download.await;
    }
}

async fn finish_all(running: VecDeque<JoinHandle<()>>) {
    for download in running {
        finish(Some(download)).await;
    }
}
