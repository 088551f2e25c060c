//! Bytes of contents in memory, and how many there may be.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// An eighth of the memory is for clean chunks in any case. Guards readers
/// against losing chunks to each other before they have used them.
const LEAST_CLEAN: u64 = 8;

/// A 32nd of the memory may be too much while all of it is in use.
const FAR: u64 = 32;

/// What is counted of contents. The parts change one by one: sums are about
/// right while somebody changes them.
#[derive(Debug)]
pub(super) struct Budget {
    /// The most bytes, clean and dirty ones together.
    memory: u64,
    dirty: AtomicU64,
    /// Chunks that were loaded, for as long as anybody holds their bytes.
    loaded: AtomicU64,
    /// Chunks that were written here and are stored now.
    stored: AtomicU64,
    /// Chunks that are asked for and have not arrived.
    coming: AtomicU64,
    /// Loaded chunks that nobody holds any more and that may have a place in
    /// the queue still.
    released: AtomicU64,
    evicted: AtomicU64,
    downloaded: AtomicU64,
}

impl Budget {
    pub(super) const fn new(memory: u64) -> Self {
        const fn zero() -> AtomicU64 {
            AtomicU64::new(0)
        }
        Self {
            memory,
            dirty: zero(),
            loaded: zero(),
            stored: zero(),
            coming: zero(),
            released: zero(),
            evicted: zero(),
            downloaded: zero(),
        }
    }

    pub(super) fn clean(&self) -> u64 {
        self.loaded.load(Relaxed).saturating_add(self.stored.load(Relaxed))
    }

    /// Whether something should be evicted.
    pub(super) fn is_over(&self) -> bool {
        self.clean() > self.for_clean()
    }

    /// Whether so much should be that what is in use goes too.
    pub(super) fn is_far_over(&self) -> bool {
        self.clean() > self.for_clean().saturating_add(self.memory / FAR)
    }

    /// Bytes that clean chunks may have; some also where dirty ones have all.
    pub(super) fn for_clean(&self) -> u64 {
        self.memory.saturating_sub(self.dirty.load(Relaxed)).max(self.memory / LEAST_CLEAN)
    }

    /// Bytes that can be asked for beside those that are on their way, if
    /// others are evicted for them.
    pub(super) fn askable(&self) -> u64 {
        self.for_clean().saturating_sub(self.coming.load(Relaxed))
    }

    /// Bytes that can be asked for without evicting anything.
    pub(super) fn free(&self) -> u64 {
        self.askable().saturating_sub(self.clean())
    }

    pub(super) const fn memory(&self) -> u64 {
        self.memory
    }

    pub(super) fn set_dirty(&self, bytes: u64) {
        self.dirty.store(bytes, Relaxed);
    }

    /// So many of the dirty bytes are clean now.
    pub(super) fn turned_clean(&self, bytes: u64) {
        let less = |dirty: u64| Some(dirty.saturating_sub(bytes));
        // It always gives a new value.
        let _ = self.dirty.fetch_update(Relaxed, Relaxed, less);
    }

    pub(super) fn add_loaded(&self, bytes: u64) {
        self.loaded.fetch_add(bytes, Relaxed);
    }

    pub(super) fn release_loaded(&self, bytes: u64) {
        self.loaded.fetch_sub(bytes, Relaxed);
        self.released.fetch_add(1, Relaxed);
    }

    /// Loaded chunks that were released since this was last reset.
    pub(super) fn released(&self) -> u64 {
        self.released.load(Relaxed)
    }

    pub(super) fn reset_released(&self) {
        self.released.store(0, Relaxed);
    }

    pub(super) fn add_stored(&self, bytes: u64) {
        self.stored.fetch_add(bytes, Relaxed);
    }

    pub(super) fn remove_stored(&self, bytes: u64) {
        self.stored.fetch_sub(bytes, Relaxed);
    }

    pub(super) fn add_coming(&self, bytes: u64) {
        self.coming.fetch_add(bytes, Relaxed);
    }

    pub(super) fn remove_coming(&self, bytes: u64) {
        self.coming.fetch_sub(bytes, Relaxed);
    }

    pub(super) fn add_evicted(&self, bytes: u64) {
        self.evicted.fetch_add(bytes, Relaxed);
    }

    pub(super) fn evicted(&self) -> u64 {
        self.evicted.load(Relaxed)
    }

    pub(super) fn add_downloaded(&self, bytes: u64) {
        self.downloaded.fetch_add(bytes, Relaxed);
    }

    pub(super) fn downloaded(&self) -> u64 {
        self.downloaded.load(Relaxed)
    }
}
