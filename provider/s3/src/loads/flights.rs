//! The downloads under way, so that no two bring the same.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use larder_core::NodeId;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::block::{Answer, Block, index_of};
use super::budget::Budget;

/// Downloads of one file ahead of its readers at a time: more bring its next
/// bytes no sooner.
const STREAMS_PER_FILE: usize = 4;

/// How many chunks are asked for a second time by a reader who jumps ahead
/// within what is on its way: 256 KiB.
const AGAIN: usize = 4;

#[derive(Debug)]
struct OfFile {
    blocks: Vec<Arc<Block>>,
    /// What downloads ahead of readers wait for.
    streams: Arc<Semaphore>,
}

/// The table. Its lock is held while blocks' are taken, never the other way.
#[derive(Debug, Default)]
pub(super) struct Flights {
    files: Mutex<HashMap<NodeId, OfFile>>,
}

/// A download that somebody has to start.
#[derive(Debug)]
pub(super) struct Takeoff {
    pub(super) block: Arc<Block>,
    pub(super) streams: Arc<Semaphore>,
}

impl Flights {
    /// Files with downloads under way.
    pub(super) fn files(&self) -> usize {
        self.files.lock().len()
    }

    /// Waits for a chunk that comes soon.
    pub(super) fn join(&self, node: NodeId, version: &str, index: u64) -> Option<Receiver<Answer>> {
        self.files.lock().get(&node)?.blocks.iter().find_map(|block| block.join(version, index))
    }

    /// Chunks of a file that are on their way.
    pub(super) fn coming(&self, node: NodeId, version: &str) -> Vec<Range<u64>> {
        let files = self.files.lock();
        let blocks = files.get(&node).into_iter().flat_map(|file| &file.blocks);
        blocks.filter_map(|block| block.coming(version)).collect()
    }

    /// Begins a download of chunks, the first of which somebody waits for; the
    /// others as far as they are not on their way. Joins one that began
    /// meanwhile.
    pub(super) fn demand(
        &self,
        node: NodeId,
        version: &Arc<str>,
        mut chunks: Vec<Range<u64>>,
        budget: &Arc<Budget>,
    ) -> (Option<Takeoff>, Option<Receiver<Answer>>) {
        let Some(index) = chunks.first().map(|range| index_of(range.start)) else { return (None, None) };
        let mut files = self.files.lock();
        let file = files.entry(node).or_insert_with(OfFile::new);
        if let Some(answer) = file.blocks.iter().find_map(|block| block.join(version, index)) {
            return (None, Some(answer));
        }
        let again = if file.will_bring(version, index) { AGAIN } else { 1 };
        let known = chunks.iter().skip(again).position(|range| file.will_bring(version, index_of(range.start)));
        chunks.truncate(known.map_or(chunks.len(), |known| known.saturating_add(again)));
        let takeoff = file.begin(Block::new(node, version.clone(), chunks, budget.clone()));
        let answer = takeoff.block.join(version, index);
        (Some(takeoff), answer)
    }

    /// Begins a download of chunks that nobody waits for, of those that are not
    /// on their way the first ones that follow each other; answers how many
    /// chunks are on their way now or are brought by it.
    pub(super) fn prefetch(
        &self,
        node: NodeId,
        version: &Arc<str>,
        mut chunks: Vec<Range<u64>>,
        budget: &Arc<Budget>,
    ) -> (Option<Takeoff>, usize) {
        let mut files = self.files.lock();
        let known = |range: &Range<u64>| {
            let file = files.get(&node);
            file.is_some_and(|file| file.will_bring(version, index_of(range.start)))
        };
        let begin = chunks.iter().position(|range| !known(range)).unwrap_or(chunks.len());
        let fresh = chunks.iter().skip(begin).position(known).map_or(chunks.len(), |fresh| begin.saturating_add(fresh));
        chunks.truncate(fresh);
        chunks.drain(..begin);
        if chunks.is_empty() {
            return (None, fresh);
        }
        let file = files.entry(node).or_insert_with(OfFile::new);
        (Some(file.begin(Block::new(node, version.clone(), chunks, budget.clone()))), fresh)
    }

    /// Forgets a download that is over.
    pub(super) fn landed(&self, block: &Arc<Block>) {
        let mut files = self.files.lock();
        let Some(file) = files.get_mut(&block.node) else { return };
        file.blocks.retain(|other| !Arc::ptr_eq(other, block));
        if file.blocks.is_empty() {
            files.remove(&block.node);
        }
    }
}

impl OfFile {
    fn new() -> Self {
        Self { blocks: Vec::new(), streams: Arc::new(Semaphore::new(STREAMS_PER_FILE)) }
    }

    fn begin(&mut self, block: Arc<Block>) -> Takeoff {
        self.blocks.push(block.clone());
        Takeoff { block, streams: self.streams.clone() }
    }

    fn will_bring(&self, version: &str, index: u64) -> bool {
        self.blocks.iter().any(|block| block.will_bring(version, index))
    }
}
