//! Which chunks are clean and in memory, in the order in which their eviction
//! is considered: a CLOCK, whose marks the volume keeps.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use larder_core::NodeId;
use parking_lot::Mutex;

use super::budget::Budget;
use super::held::Held;

/// A file's chunk: its offset there divided by
/// [`CHUNK_BYTES`](larder_core::CHUNK_BYTES).
pub(super) type Key = (NodeId, u64);

/// Entries of chunks that are gone which may stay, besides half of all. Guards
/// small queues against being looked through all the time.
const FEW: u64 = 64;

/// Why a chunk is in the queue.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// It was loaded; nobody has the bytes any more where this is dead.
    held: Weak<Held>,
    /// So many bytes were written here, and stored.
    stored: u64,
}

impl Entry {
    fn is_live(&self) -> bool {
        self.stored > 0 || self.held.strong_count() > 0
    }
}

/// Invariant: `order` has each key of `entries` once, and no other.
#[derive(Debug, Default)]
struct Queue {
    entries: HashMap<Key, Entry>,
    order: VecDeque<Key>,
}

impl Queue {
    fn entry(&mut self, key: Key) -> &mut Entry {
        let order = &mut self.order;
        self.entries.entry(key).or_insert_with(|| {
            order.push_back(key);
            Entry::default()
        })
    }
}

/// The queue. Its lock is a leaf: the volume is not called with it held.
#[derive(Debug)]
pub(super) struct Clock {
    queue: Mutex<Queue>,
    budget: Arc<Budget>,
}

impl Clock {
    pub(super) fn new(budget: Arc<Budget>) -> Self {
        Self { queue: Mutex::default(), budget }
    }

    /// Takes a chunk in that was loaded; gives its bytes.
    pub(super) fn hold(&self, key: Key, version: &Arc<str>, range: Range<u64>, bytes: Vec<u8>) -> Bytes {
        let held = Held::new(bytes, version, range, &self.budget);
        let mut queue = self.queue.lock();
        self.sweep(&mut queue);
        queue.entry(key).held = Arc::downgrade(&held);
        drop(queue);
        held.share()
    }

    /// Notes chunks of a file that were written here and are stored now.
    pub(super) fn stored(&self, node: NodeId, chunks: impl Iterator<Item = (u64, u64)>) {
        let mut queue = self.queue.lock();
        for (index, bytes) in chunks {
            let entry = queue.entry((node, index));
            self.budget.add_stored(bytes);
            self.budget.remove_stored(std::mem::replace(&mut entry.stored, bytes));
        }
    }

    /// Notes a chunk that was clean before, if it is not known already.
    pub(super) fn still_clean(&self, key: Key, bytes: u64) {
        let mut queue = self.queue.lock();
        let entry = queue.entry(key);
        if !entry.is_live() {
            self.budget.add_stored(bytes);
            entry.stored = bytes;
        }
    }

    /// Bytes of a chunk that was loaded and that somebody still has.
    pub(super) fn part(&self, key: Key, version: &str, range: &Range<u64>) -> Option<Bytes> {
        let held = self.queue.lock().entries.get(&key)?.held.upgrade()?;
        held.part(version, range)
    }

    /// Takes the next one out, which is given back by
    /// [`put_back`](Self::put_back) unless it is gone.
    pub(super) fn take(&self) -> Option<(Key, Entry)> {
        let mut queue = self.queue.lock();
        let key = queue.order.pop_front()?;
        let entry = queue.entries.remove(&key)?;
        Some((key, entry))
    }

    /// Puts one to the end that stays in memory.
    pub(super) fn put_back(&self, key: Key, entry: Entry) {
        let mut queue = self.queue.lock();
        let now = queue.entry(key);
        // What came in meanwhile is newer.
        if now.held.strong_count() == 0 {
            now.held = entry.held;
        }
        if now.stored == 0 {
            now.stored = entry.stored;
        } else {
            self.budget.remove_stored(entry.stored);
        }
    }

    /// The volume does not have this one in memory. Bytes that somebody still
    /// has go on being counted: they take memory, and a reader who waited for
    /// them is about to put them into the volume again.
    pub(super) fn gone(&self, key: Key, mut entry: Entry) {
        self.budget.remove_stored(std::mem::take(&mut entry.stored));
        if entry.is_live() {
            self.put_back(key, entry);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.queue.lock().order.len()
    }

    /// Forgets what is gone, when that is much: of files that were changed or
    /// removed while nothing had to be evicted.
    fn sweep(&self, queue: &mut Queue) {
        if self.budget.released() < FEW + queue.order.len() as u64 / 2 {
            return;
        }
        self.budget.reset_released();
        let Queue { entries, order } = queue;
        entries.retain(|_, entry| entry.is_live());
        order.retain(|key| entries.contains_key(key));
    }
}
