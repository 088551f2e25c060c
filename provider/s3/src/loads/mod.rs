//! The contents of files: loaded when they are needed, and before; dropped
//! from memory when others need the room.
//!
//! What lives here: which chunks to load ([`pattern`], [`plan`]), downloads and
//! who waits for them ([`flights`], [`block`], [`fetch`]), which chunks are in
//! memory and clean ([`clock`], [`held`], [`evict`]), and the numbers
//! ([`budget`]). What does not: where a file is in the bucket
//! ([`Places`](crate::place::Places)), and bytes that the bucket does not have.
//!
//! Locks here are leaves. The volume is called with none of them held.

mod assemble;
mod block;
mod budget;
mod clock;
mod error;
mod evict;
mod fetch;
mod flights;
mod held;
mod pattern;
mod plan;
mod preload;
mod search;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use larder_bucket::Bucket;
use larder_core::{CHUNK_BYTES, ChunkState, ContentSource, FrozenContent, NodeId, Result, Volume, chunks_of};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use self::block::{Answer, index_of};
use self::budget::Budget;
use self::clock::Clock;
pub(crate) use self::error::LoadError;
use self::flights::Flights;
use self::held::slice;
use self::pattern::Patterns;
use self::plan::Plan;
use crate::place::Places;
use crate::waiting::waiting;

const CHUNK: u64 = CHUNK_BYTES as u64;

/// Chunks that one request brings: 8 MiB.
const BLOCK: u64 = (8 << 20) / CHUNK;

/// The most that is loaded ahead of one reader: 64 MiB. Guards against loading
/// what he never comes to.
const WIDEST: u64 = 64 << 20;

/// A quarter of the memory is loaded ahead of one reader, or this much where
/// that is less: 4 MiB; never more than a half.
const NARROW: u64 = 4 << 20;

/// Downloads that begin for one window ahead of a reader. Guards against files
/// of which every other chunk is in memory.
const MOST_BLOCKS: usize = 16;

/// How often a chunk is looked for that others bring and evict meanwhile,
/// before it is loaded for this reader alone.
const MOST_LOOKS: usize = 4;

/// What loads may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoadLimits {
    /// Bytes of contents in memory: clean ones are dropped beyond it.
    pub(crate) memory: u64,
    /// Requests under way at a time, at least 2: a half of them is for what
    /// somebody waits for, the other for what is loaded before.
    pub(crate) parallel: usize,
}

/// Loads, preloads and evicts the contents of a volume's files.
pub(crate) struct Loads {
    me: Weak<Self>,
    volume: Weak<Volume>,
    bucket: Bucket,
    runtime: tokio::runtime::Handle,
    places: Weak<dyn Places>,
    budget: Arc<Budget>,
    clock: Clock,
    flights: Flights,
    patterns: Mutex<Patterns>,
    /// Requests that may go ahead of readers, and those that they wait for.
    ahead: Arc<Semaphore>,
    demanded: Arc<Semaphore>,
    is_evicting: AtomicBool,
}

impl Loads {
    pub(crate) fn new(
        volume: Weak<Volume>,
        bucket: Bucket,
        runtime: tokio::runtime::Handle,
        places: Weak<dyn Places>,
        limits: LoadLimits,
    ) -> Arc<Self> {
        let budget = Arc::new(Budget::new(limits.memory));
        let ahead = (limits.parallel / 2).max(1);
        let demanded = limits.parallel.saturating_sub(ahead).max(1);
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            volume,
            bucket,
            runtime,
            places,
            clock: Clock::new(budget.clone()),
            budget,
            flights: Flights::default(),
            patterns: Mutex::default(),
            ahead: Arc::new(Semaphore::new(ahead)),
            demanded: Arc::new(Semaphore::new(demanded)),
            is_evicting: AtomicBool::new(false),
        })
    }

    /// A file's content, as it was when it was frozen, is stored now, and the
    /// volume was told so: what is in memory of it counts as clean. What is too
    /// much is dropped in the background.
    pub(crate) fn stored(&self, node: NodeId, frozen: &FrozenContent) {
        for stretch in frozen.stretches() {
            let range = stretch.range;
            let chunks = chunks_of(&range).map(|index| {
                let start = index.saturating_mul(CHUNK).max(range.start);
                let end = index.saturating_add(1).saturating_mul(CHUNK).min(range.end);
                (index, end.saturating_sub(start))
            });
            match stretch.state {
                ChunkState::Dirty => {
                    self.clock.stored(node, chunks);
                    // Until it is set anew: what changes sides pushes out nothing.
                    self.budget.turned_clean(range.end.saturating_sub(range.start));
                }
                ChunkState::Clean(_) => chunks.for_each(|(index, bytes)| self.clock.still_clean((node, index), bytes)),
                ChunkState::Absent(_) | ChunkState::Parked(_) => {}
            }
        }
        self.make_room_later();
    }

    /// Sets how many bytes are in memory that the bucket does not have. Clean
    /// ones that are too many beside them are dropped in the background: it may
    /// be called with locks held.
    pub(crate) fn set_dirty(&self, bytes: u64) {
        self.budget.set_dirty(bytes);
        self.make_room_later();
    }

    /// Bytes of contents in memory that the bucket has, about.
    pub(crate) fn clean_bytes(&self) -> u64 {
        self.budget.clean()
    }

    /// Bytes that were dropped from memory.
    pub(crate) fn evicted_bytes(&self) -> u64 {
        self.budget.evicted()
    }

    /// Bytes of contents that came from the bucket.
    pub(crate) fn downloaded_bytes(&self) -> u64 {
        self.budget.downloaded()
    }

    fn is_closed(&self) -> bool {
        self.volume.strong_count() == 0
    }

    /// Chunks that are loaded ahead of a reader at most.
    fn widest(&self) -> u64 {
        let quarter = (self.budget.memory() / 4).clamp(NARROW, WIDEST);
        // The files that are read now share a half of what there is.
        let files = self.flights.files().max(1) as u64;
        let share = self.budget.for_clean() / 2 / files;
        (quarter.min(share).min(self.budget.askable()) / CHUNK).max(1)
    }

    /// The bytes of a range that lies in one chunk.
    fn load_chunk(self: &Arc<Self>, node: NodeId, version: &str, range: &Range<u64>) -> Result<Bytes, LoadError> {
        let index = index_of(range.start);
        let version: Arc<str> = version.into();
        let volume = self.volume.upgrade().ok_or(LoadError::Stopped)?;
        let chunks = volume.attributes(node).map_or(0, |attributes| attributes.size).div_ceil(CHUNK);
        let most = self.widest();
        let (ahead, _marker) = self.patterns.lock().read(node, index, chunks, most);
        for look in 1..=MOST_LOOKS {
            let answer = match self.clock.part((node, index), &version, range) {
                Some(bytes) => {
                    self.load_ahead(&volume, node, &version, ahead);
                    return Ok(bytes);
                }
                None => self.flights.join(node, &version, index),
            };
            let answer = match answer {
                Some(answer) => Some(answer),
                None => self.demand(&volume, node, &version, range, ahead.end, look == MOST_LOOKS),
            };
            let Some(answer) = answer else { continue };
            self.load_ahead(&volume, node, &version, ahead.clone());
            if let Some(bytes) = wait(&answer, range)? {
                return Ok(bytes);
            }
        }
        Err(LoadError::Gone)
    }

    /// Begins to load a chunk and those that follow it up to `end`; `None`
    /// where it is not absent, unless it must be loaded all the same.
    fn demand(
        self: &Arc<Self>,
        volume: &Volume,
        node: NodeId,
        version: &Arc<str>,
        range: &Range<u64>,
        end: u64,
        must: bool,
    ) -> Option<Receiver<Answer>> {
        let index = index_of(range.start);
        let end = end.min(index.saturating_add(BLOCK)).max(index.saturating_add(1));
        let plan = Plan::new(self, volume, node, version);
        let first = plan.range(index).or_else(|| must.then(|| range.clone()))?;
        let chunks = std::iter::once(first).chain(plan.run(index.saturating_add(1), end)).collect();
        let (takeoff, answer) = self.flights.demand(node, version, chunks, &self.budget);
        if let Some(takeoff) = takeoff {
            self.start(takeoff);
        }
        answer
    }

    /// Begins to load chunks that nobody waits for.
    fn load_ahead(self: &Arc<Self>, volume: &Volume, node: NodeId, version: &Arc<str>, chunks: Range<u64>) {
        if chunks.is_empty() {
            return;
        }
        let plan = Plan::new(self, volume, node, version);
        let mut from = chunks.start;
        for _ in 0..MOST_BLOCKS {
            let Some(first) = plan.first(from, chunks.end) else { return };
            let absent = plan.run(first, chunks.end.min(first.saturating_add(BLOCK)));
            let (takeoff, taken) = self.flights.prefetch(node, version, absent, &self.budget);
            from = first.saturating_add((taken as u64).max(1));
            if let Some(takeoff) = takeoff {
                self.start(takeoff);
            }
        }
    }
}

/// Waits for a chunk; `None` where its download ended without it.
fn wait(answer: &Receiver<Answer>, range: &Range<u64>) -> Result<Option<Bytes>, LoadError> {
    // Ends: whoever would send is dropped with the download, and that with the
    // runtime.
    let Ok(answer) = waiting(|| answer.recv()) else { return Ok(None) };
    let (have, bytes) = answer?;
    // What was cut or grew meanwhile is asked for anew by the volume.
    slice(&bytes, &have, range).map(Some).ok_or(LoadError::Gone)
}

impl ContentSource for Loads {
    /// Blocks until the bytes are there; not on a thread of the runtime that
    /// loads them.
    fn load(&self, node: NodeId, version: &str, range: Range<u64>) -> Result<Bytes> {
        let loads = self.me.upgrade().ok_or(LoadError::Stopped)?;
        loads.load_chunk(node, version, &range).map_err(|error| {
            tracing::debug!(?node, version, ?range, %error, "a chunk could not be loaded");
            error.into()
        })
    }

    fn complete(&self, node: NodeId, upload: &str) -> Result<()> {
        let places = self.places.upgrade().ok_or(LoadError::Stopped)?;
        places.complete(node, upload)
    }
}
