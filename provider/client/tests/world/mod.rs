//! A served volume, for tests that begin many of them.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "not every test uses all; a test fails by panicking"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_nats::ConnectOptions;
use larder_core::{DescriptorFlags, Follow, OpenFlags, Rights, Timestamp, View, Volume, VolumeOptions};
use larder_nats_server::{ServedVolume, Server, ServerOptions};
use larder_test_nats::Nats;

use crate::common::nats::{runtime, stop, unique};

/// Longest wait for what must come.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A volume and its server; time stands still.
pub struct World {
    pub name: String,
    pub volume: Arc<Volume>,
    server: Option<Server>,
}

impl World {
    /// An empty volume on `nats`.
    pub fn new(nats: &Nats, lease: Duration) -> Self {
        Self::of(Volume::new(VolumeOptions::default()), nats, lease)
    }

    pub fn of(volume: Arc<Volume>, nats: &Nats, lease: Duration) -> Self {
        Self::reached(volume, &nats.url(), ConnectOptions::new(), lease)
    }

    /// One whose server reaches NATS there, and logs in so.
    pub fn reached(volume: Arc<Volume>, url: &str, login: ConnectOptions, lease: Duration) -> Self {
        Self::named(unique("volume"), volume, url, login, lease)
    }

    pub fn named(name: String, volume: Arc<Volume>, url: &str, login: ConnectOptions, lease: Duration) -> Self {
        let served = vec![ServedVolume { name: name.clone(), volume: Arc::clone(&volume), writable: true }];
        let options = ServerOptions { clock: Arc::new(|| Timestamp::UNIX_EPOCH), lease, ..ServerOptions::default() };
        let server = runtime().block_on(async {
            let connection = login.connect(url).await.unwrap();
            Server::start(connection, served, options).await.unwrap()
        });
        Self { name, volume, server: Some(server) }
    }

    pub fn sessions(&self) -> usize {
        self.server.as_ref().map_or(0, Server::sessions)
    }

    /// The content of a file, asked of the volume itself.
    pub fn content(&self, path: &str) -> Vec<u8> {
        let root = View::new(&self.volume, Rights::READ_ONLY).unwrap().root().unwrap();
        let now = Timestamp::UNIX_EPOCH;
        let file = root.open_at(now, Follow::Yes, path, OpenFlags::empty(), DescriptorFlags::READ).unwrap();
        file.read(0, 16 << 20).unwrap().into_bytes().to_vec()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            stop(server);
        }
    }
}

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

pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "not in {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
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
