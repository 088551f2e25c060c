//! Reading ahead: who reads sequentially, and what was asked for before it was
//! wanted.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use larder_store_service::{Content, MAX_TRANSFER, Node};
use parking_lot::Mutex;
use tokio::task::JoinHandle;

/// The least length of reads that are read ahead of, in bytes: 64 KiB. Small
/// ones are better made larger by whoever reads.
pub(crate) const LEAST_LENGTH: u32 = 64 << 10;

/// Most bytes that are read ahead by a store: 16 MiB. Guards the memory of
/// answers that nobody took yet.
const MOST_BYTES: usize = 16 << 20;

/// Most readers that a store watches: 32. Guards the time of looking for one.
const MOST_READERS: usize = 32;

/// Most reads ahead of one reader: 32, as many as the bytes above allow.
const MOST_READS: usize = MOST_BYTES / MAX_TRANSFER;

/// How old an answer may be when it is used: 1 second. Bounds how long another
/// client's writes are not seen by one who goes on reading.
const MOST_AGE: Duration = Duration::from_secs(1);

/// A read that was asked for before it was wanted. Dropping it forgets it.
pub(crate) struct Ahead {
    answer: std::sync::mpsc::Receiver<Content>,
    task: JoinHandle<()>,
    offset: u64,
    sent: Instant,
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Ahead {
    pub(crate) fn new(answer: std::sync::mpsc::Receiver<Content>, task: JoinHandle<()>, offset: u64) -> Self {
        Self { answer, task, offset, sent: Instant::now() }
    }

    /// Waits for the answer; none if it failed or is too late.
    pub(crate) fn wait(self, within: Duration) -> Option<Content> {
        self.answer.recv_timeout(within).ok()
    }
}

/// One node that is read from.
struct Reader {
    node: Node,
    /// Where a sequential reader goes on, and how much it asked for.
    next: u64,
    length: u32,
    /// Reads one after the other.
    streak: usize,
    at_end: bool,
    ahead: VecDeque<Ahead>,
}

/// The readers of one store, least recently used first.
#[derive(Default)]
pub(crate) struct Readers {
    readers: Mutex<VecDeque<Reader>>,
}

impl Readers {
    /// Takes in that `length` bytes are wanted, and answers the read that was
    /// sent for them already, if any. `ask` sends reads, `most` of them ahead.
    pub(crate) fn next(
        &self,
        node: Node,
        offset: u64,
        length: u32,
        most: usize,
        mut ask: impl FnMut(u64) -> Ahead,
    ) -> Option<Ahead> {
        let mut readers = self.readers.lock();
        let position = readers.iter().position(|reader| reader.node == node);
        let mut reader = position.and_then(|position| readers.remove(position)).unwrap_or_else(|| Reader {
            node,
            next: u64::MAX,
            length: 0,
            streak: 0,
            at_end: false,
            ahead: VecDeque::new(),
        });
        if reader.next == offset && reader.length == length {
            reader.streak = reader.streak.saturating_add(1);
        } else {
            reader.streak = 0;
            reader.at_end = false;
            reader.ahead.clear();
        }
        let mut found =
            reader.ahead.pop_front().filter(|ahead| ahead.offset == offset && ahead.sent.elapsed() < MOST_AGE);
        if found.is_none() {
            reader.ahead.clear();
        }
        reader.next = offset.saturating_add(u64::from(length));
        reader.length = length;

        let size = usize::try_from(length).unwrap_or(usize::MAX);
        let others = |reader: &Reader| reader.ahead.len() * usize::try_from(reader.length).unwrap_or(usize::MAX);
        let room = MOST_BYTES.saturating_sub(readers.iter().map(others).sum()) / size.max(1);
        // A reader that just began gets less than one that went on for long.
        let wanted = if reader.at_end { 0 } else { most.min(MOST_READS).min(reader.streak).min(room) };
        if wanted > 0 && found.is_none() {
            // What is wanted now goes before what will be.
            found = Some(ask(offset));
        }
        while reader.ahead.len() < wanted {
            let after = reader.ahead.back().map_or(offset, |last| last.offset);
            let Some(after) = after.checked_add(u64::from(length)) else { break };
            reader.ahead.push_back(ask(after));
        }
        readers.push_back(reader);
        if readers.len() > MOST_READERS {
            readers.pop_front();
        }
        found
    }

    /// Takes in an answer: at the end of file there is nothing to read ahead.
    pub(crate) fn answered(&self, node: Node, offset: u64, content: &Content) {
        let mut readers = self.readers.lock();
        let Some(reader) = readers.iter_mut().find(|reader| reader.node == node) else { return };
        reader.at_end = content.at_end;
        let end = offset.saturating_add(u64::try_from(content.bytes.len()).unwrap_or(u64::MAX));
        if content.at_end || end != reader.next {
            reader.next = end;
            reader.ahead.clear();
        }
    }

    /// What was read ahead of this node is not to be used any more.
    pub(crate) fn forget(&self, node: Node) {
        self.readers.lock().retain(|reader| reader.node != node);
    }

    /// The same for all nodes.
    pub(crate) fn forget_all(&self) {
        self.readers.lock().clear();
    }
}
