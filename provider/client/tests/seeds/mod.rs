//! Random plans: numbers from a seed, and a test for each of many seeds.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "not every test uses all; a test fails by panicking"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Numbers that follow from a seed (SplitMix64).
pub struct Random(u64);

impl Random {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        *list.get(self.below(list.len())).unwrap()
    }

    /// True so many times in a thousand.
    pub fn happens(&mut self, per_mille: usize) -> bool {
        self.below(1000) < per_mille
    }
}

/// Runs a test for the seeds 1 to `count`, some at a time: most of it is
/// waiting. `LARDER_REMOTE_PLANS` sets the count, `LARDER_REMOTE_SEED` runs
/// that one alone.
///
/// # Panics
/// With the seeds that failed, and why the first few did.
pub fn for_seeds(count: u32, at_a_time: usize, test: impl Fn(u64) -> Result<(), String> + Sync) {
    let alone: Option<u64> = std::env::var("LARDER_REMOTE_SEED").ok().map(|text| text.parse().unwrap());
    let count = u64::from(larder_model::cases("LARDER_REMOTE_PLANS", count));
    let seeds: Vec<u64> = alone.map_or_else(|| (1..=count).collect(), |seed| vec![seed]);
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..at_a_time.min(seeds.len()) {
            scope.spawn(|| {
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = catch_unwind(AssertUnwindSafe(|| test(*seed)));
                    if let Err(why) = result.unwrap_or_else(|_| Err("it panicked, as was said above".to_owned())) {
                        failed.lock().unwrap().push((*seed, why));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    let seeds: Vec<u64> = failed.iter().map(|(seed, _)| *seed).collect();
    let why: Vec<String> =
        failed.iter().take(3).map(|(seed, why)| format!("LARDER_REMOTE_SEED={seed}: {why}")).collect();
    assert!(failed.is_empty(), "failed with the seeds {seeds:?}\n{}", why.join("\n"));
}
