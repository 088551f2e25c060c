//! Dropping chunks that the bucket has.

use std::sync::atomic::Ordering::{AcqRel, Release};

use larder_core::{Eviction, Volume};

use super::Loads;

/// Chunks that are looked at when one comes in. Guards the download that
/// brings it against a queue of chunks that all are in use.
const MOST_VISITS: usize = 128;

impl Loads {
    /// Evicts what is too much; answers whether that is all gone, or as far as
    /// it can.
    pub(super) fn make_room(&self, volume: &Volume) -> bool {
        for _ in 0..MOST_VISITS {
            if !self.budget.is_over() {
                return true;
            }
            let Some((key, entry)) = self.clock.take() else { return true };
            let (node, index) = key;
            let mut done = volume.evict(node, index);
            if matches!(done, Ok(Eviction::Used)) && self.budget.is_far_over() {
                // The first call has taken the mark off. Guards memory against
                // readers who use all that there is faster than this looks.
                done = volume.evict(node, index);
            }
            match done {
                Ok(Eviction::Used) => self.clock.put_back(key, entry),
                Ok(Eviction::Freed(bytes)) => {
                    self.budget.add_evicted(bytes as u64);
                    self.clock.gone(key, entry);
                }
                Ok(Eviction::Nothing) | Err(_) => self.clock.gone(key, entry),
            }
        }
        !self.budget.is_over()
    }

    /// Evicts what is too much, where that is much: for whoever is about to
    /// write more, so that writers do not outrun the background. No lock is
    /// held.
    pub(crate) fn make_room_now(&self) {
        if !self.budget.is_far_over() {
            return;
        }
        let Some(volume) = self.volume.upgrade() else { return };
        let rounds = self.clock.len().saturating_mul(2) / MOST_VISITS;
        for _ in 0..=rounds {
            if self.make_room(&volume) {
                break;
            }
        }
    }

    /// Evicts what is too much, in the background: the caller may hold locks.
    pub(super) fn make_room_later(&self) {
        if !self.budget.is_over() || self.is_evicting.swap(true, AcqRel) {
            return;
        }
        let Some(loads) = self.me.upgrade() else { return };
        self.runtime.spawn(async move {
            // Each chunk is passed over once at most, and then looked at again.
            let rounds = loads.clock.len().saturating_mul(2) / MOST_VISITS;
            for _ in 0..=rounds {
                let Some(volume) = loads.volume.upgrade() else { break };
                if loads.make_room(&volume) {
                    break;
                }
                drop(volume);
                tokio::task::yield_now().await;
            }
            loads.is_evicting.store(false, Release);
        });
    }
}
