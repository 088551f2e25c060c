//! A download: chunks of one file that one answer brings in order.

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use bytes::Bytes;
use larder_core::{CHUNK_BYTES, NodeId};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::budget::Budget;
use super::error::LoadError;

/// What a reader waits for: a chunk's bytes and where they are in the file.
/// It ends without one where the download stops.
pub(super) type Answer = Result<(Range<u64>, Bytes), LoadError>;

/// How far before a chunk its download may be for a reader to wait for it: 2
/// MiB. Guards a reader who jumps ahead against waiting for all between.
const NEAR: usize = (2 << 20) / CHUNK_BYTES;

/// Invariant: `chunks` ascend and lie each in one chunk of the file.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) node: NodeId,
    pub(super) version: Arc<str>,
    /// The ranges of the file to load.
    chunks: Vec<Range<u64>>,
    /// Told once somebody waits.
    pub(super) wanted: Notify,
    state: Mutex<State>,
    budget: Arc<Budget>,
}

#[derive(Debug, Default)]
struct State {
    /// How many chunks have arrived.
    arrived: usize,
    /// Who waits for which chunk.
    waiters: Vec<(usize, SyncSender<Answer>)>,
    is_over: bool,
}

/// A file's chunk of an offset.
pub(super) const fn index_of(offset: u64) -> u64 {
    offset / CHUNK_BYTES as u64
}

fn total(chunks: &[Range<u64>]) -> u64 {
    chunks.iter().map(|range| range.end.saturating_sub(range.start)).sum()
}

impl Block {
    /// Its bytes are coming from now on.
    pub(super) fn new(node: NodeId, version: Arc<str>, chunks: Vec<Range<u64>>, budget: Arc<Budget>) -> Arc<Self> {
        budget.add_coming(total(&chunks));
        Arc::new(Self { node, version, chunks, wanted: Notify::new(), state: Mutex::default(), budget })
    }

    /// Which of its chunks a file's chunk is.
    fn position(&self, index: u64) -> Option<usize> {
        self.chunks.binary_search_by_key(&index, |range| index_of(range.start)).ok()
    }

    /// The chunks that are still to come, and what is between them.
    pub(super) fn coming(&self, version: &str) -> Option<Range<u64>> {
        let rest = self.rest();
        let range = index_of(rest.first()?.start)..index_of(rest.last()?.start).saturating_add(1);
        (*self.version == *version).then_some(range)
    }

    /// Whether a chunk is still to come with it.
    pub(super) fn will_bring(&self, version: &str, index: u64) -> bool {
        *self.version == *version
            && self.position(index).is_some_and(|at| {
                let state = self.state.lock();
                !state.is_over && at >= state.arrived
            })
    }

    /// Waits for a chunk, if it comes soon; else `None`.
    pub(super) fn join(&self, version: &str, index: u64) -> Option<Receiver<Answer>> {
        if *self.version != *version {
            return None;
        }
        let at = self.position(index)?;
        let mut state = self.state.lock();
        if state.is_over || at < state.arrived || at - state.arrived > NEAR {
            return None;
        }
        let (sender, receiver) = sync_channel(1);
        state.waiters.push((at, sender));
        drop(state);
        self.wanted.notify_one();
        Some(receiver)
    }

    /// The ranges that have not arrived.
    pub(super) fn rest(&self) -> &[Range<u64>] {
        let arrived = self.state.lock().arrived;
        self.chunks.get(arrived..).unwrap_or_default()
    }

    /// The range that arrives next, and whether somebody waits for it.
    pub(super) fn next(&self) -> Option<(Range<u64>, bool)> {
        let state = self.state.lock();
        let is_wanted = state.waiters.iter().any(|(at, _)| *at == state.arrived);
        Some((self.chunks.get(state.arrived)?.clone(), is_wanted))
    }

    /// Whether somebody waits for any of it.
    pub(super) fn is_wanted(&self) -> bool {
        !self.state.lock().waiters.is_empty()
    }

    /// The next range has arrived. Whoever waits for it is to be told.
    pub(super) fn arrived(&self, bytes: Bytes) -> Option<News> {
        let mut state = self.state.lock();
        let at = state.arrived;
        let range = self.chunks.get(at)?;
        state.arrived += 1;
        let (waiters, waiting) = state.waiters.drain(..).partition(|(wanted, _)| *wanted == at);
        state.waiters = waiting;
        drop(state);
        self.budget.remove_coming(range.end.saturating_sub(range.start));
        let news = News { waiters, answer: Ok((range.clone(), bytes)) };
        (!news.waiters.is_empty()).then_some(news)
    }

    /// Nothing more comes. Whoever still waits is told the error; without one
    /// he looks again.
    pub(super) fn end(&self, error: Option<LoadError>) {
        let mut state = self.state.lock();
        if state.is_over {
            return;
        }
        state.is_over = true;
        let waiters = std::mem::take(&mut state.waiters);
        let rest = self.chunks.get(state.arrived..).unwrap_or_default();
        drop(state);
        self.budget.remove_coming(total(rest));
        if let Some(error) = error {
            News { waiters, answer: Err(error) }.tell();
        }
    }
}

/// What somebody waits for.
#[derive(Debug)]
pub(super) struct News {
    waiters: Vec<(usize, SyncSender<Answer>)>,
    answer: Answer,
}

impl News {
    pub(super) fn tell(self) {
        for (_, waiter) in self.waiters {
            // There is room for the one answer; who waits may not be there any
            // more.
            let _ = waiter.try_send(self.answer.clone());
        }
    }
}
