//! How files are read: how much to load with a chunk that somebody needs.

use std::collections::HashMap;
use std::ops::Range;

use bytes::Bytes;
use larder_core::{CHUNK_BYTES, NodeId};

/// Loaded with a first read, and one out of order: 1 MiB.
const FIRST: u64 = (1 << 20) / CHUNK_BYTES as u64;

/// The same where most reads of the file are out of order: 128 KiB.
const RANDOM: u64 = (128 << 10) / CHUNK_BYTES as u64;

/// A window's length to that of the one before it, once a reader has gone on
/// for more than the first one: the most is reached after few requests. Up to
/// there it is twice: readers who jump come to follow by chance, and what they
/// load pushes out what others use.
const GROWTH: u64 = 4;

/// So many reads out of order, each without one that followed, are a habit.
const HABIT: u32 = 3;

/// A window from which on its middle is a marker: 2 MiB.
const MARKED: u64 = (2 << 20) / CHUNK_BYTES as u64;

/// Files whose readers are remembered. Guards memory, that of the markers in
/// particular: 64 KiB for each of the readers.
const MOST_FILES: usize = 64;

/// Readers remembered of one file.
const MOST_RUNS: usize = 4;

/// Somebody who reads on. Numbers are of chunks.
#[derive(Debug)]
struct Run {
    last: u64,
    /// Until here all is in memory or on its way, or was.
    end: u64,
    window: u64,
    marker: Option<Marker>,
    used: u64,
}

/// A chunk that the volume does not get before it asks for it: a reader who
/// finds all in memory would not be noticed at all until he is at its end.
#[derive(Debug)]
struct Marker {
    index: u64,
    /// Its bytes, once they arrived.
    bytes: Option<Bytes>,
}

#[derive(Debug, Default)]
struct Pattern {
    runs: Vec<Run>,
    jumps: u32,
    used: u64,
}

/// The readers of all files.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    files: HashMap<NodeId, Pattern>,
    time: u64,
}

impl Patterns {
    /// Somebody needs the chunk `index` of a file of `chunks`. Answers which
    /// others to load before he comes to them, `most` at a time; and the marker
    /// that he came to, which is his to keep until he has its bytes.
    pub(super) fn read(&mut self, node: NodeId, index: u64, chunks: u64, most: u64) -> (Range<u64>, Option<Bytes>) {
        self.time += 1;
        let time = self.time;
        if !self.files.contains_key(&node) {
            if chunks <= FIRST.min(most) {
                // All of it comes at once: there is nothing to remember.
                return (index..chunks.max(index), None);
            }
            self.make_room();
        }
        let pattern = self.files.entry(node).or_default();
        pattern.used = time;
        pattern.read(index, chunks, most.max(1), time)
    }

    /// The markers of a file that have arrived.
    pub(super) fn markers(&self, node: NodeId) -> impl Iterator<Item = u64> {
        let runs = self.files.get(&node).into_iter().flat_map(|pattern| &pattern.runs);
        runs.filter_map(|run| run.marker.as_ref()).filter(|marker| marker.bytes.is_some()).map(|marker| marker.index)
    }

    /// Whether an arrived chunk is a marker that nobody came to yet; its bytes
    /// are kept then, and the volume does not get them.
    pub(super) fn keep_marker(&mut self, node: NodeId, index: u64, bytes: &Bytes) -> bool {
        let runs = self.files.get_mut(&node).into_iter().flat_map(|pattern| pattern.runs.iter_mut());
        let mut markers = runs.filter_map(|run| run.marker.as_mut());
        let marker = markers.find(|marker| marker.index == index);
        marker.map(|marker| marker.bytes = Some(bytes.clone())).is_some()
    }

    fn make_room(&mut self) {
        if self.files.len() >= MOST_FILES {
            let oldest = self.files.iter().min_by_key(|(_, pattern)| pattern.used).map(|(node, _)| *node);
            oldest.and_then(|node| self.files.remove(&node));
        }
    }
}

impl Pattern {
    fn read(&mut self, index: u64, chunks: u64, most: u64, time: u64) -> (Range<u64>, Option<Bytes>) {
        let Some(run) = self.runs.iter_mut().find(|run| (run.last..=run.end).contains(&index)) else {
            return (self.begin(index, chunks, most, time), None);
        };
        run.used = time;
        run.last = index;
        let marker = run.marker.take_if(|marker| marker.index <= index).and_then(|marker| marker.bytes);
        let from = run.end;
        if from - index > run.window / 2 {
            return (from..from, marker);
        }
        self.jumps = self.jumps.saturating_sub(2);
        let growth = if run.window > FIRST { GROWTH } else { 2 };
        run.window = (run.window * growth).min(most);
        run.end = from.saturating_add(run.window).min(chunks).max(from);
        if run.end - from >= MARKED && run.marker.is_none() {
            run.marker = Some(Marker { index: from + (run.end - from) / 2, bytes: None });
        }
        (from..run.end, marker)
    }

    fn begin(&mut self, index: u64, chunks: u64, most: u64, time: u64) -> Range<u64> {
        let window = if self.jumps >= HABIT { RANDOM } else { FIRST }.min(most);
        self.jumps = self.jumps.saturating_add(1);
        let end = index.saturating_add(window).min(chunks).max(index);
        if self.runs.len() >= MOST_RUNS
            && let Some(oldest) = self.runs.iter().enumerate().min_by_key(|(_, run)| run.used).map(|(at, _)| at)
        {
            self.runs.swap_remove(oldest);
        }
        self.runs.push(Run { last: index, end, window, marker: None, used: time });
        index..end
    }
}
