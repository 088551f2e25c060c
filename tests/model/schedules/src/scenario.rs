//! Running one scenario under many schedules.

use std::sync::Arc;

use larder_core::{Context, ErrorCode, NodeId, Operation, Reply, Timestamp, Volume, VolumeOptions};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};

use crate::check_tree;

/// A volume that threads work on.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The volume.
    pub volume: Arc<Volume>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self { volume: Volume::new(VolumeOptions::default()) }
    }
}

impl Scenario {
    /// Applies an operation.
    ///
    /// # Errors
    /// The code that the volume gave.
    pub fn apply(&self, operation: &Operation) -> Result<Reply, ErrorCode> {
        self.volume.apply(&Context::at(Timestamp::UNIX_EPOCH), operation).map_err(|error| error.code())
    }

    /// The root directory.
    #[must_use]
    pub fn root(&self) -> NodeId {
        self.volume.root_id()
    }

    /// Creates a directory.
    ///
    /// # Panics
    /// If that fails.
    #[must_use]
    pub fn directory(&self, directory: NodeId, name: &str) -> NodeId {
        self.made(&Operation::CreateDirectory { directory, name: name.into(), mode: 0o755 })
    }

    /// Creates a file.
    ///
    /// # Panics
    /// If that fails.
    #[must_use]
    pub fn file(&self, directory: NodeId, name: &str) -> NodeId {
        self.made(&Operation::CreateFile { directory, name: name.into(), mode: 0o644 })
    }

    fn made(&self, operation: &Operation) -> NodeId {
        match self.apply(operation) {
            Ok(Reply::Node(node)) => node.id,
            answer => panic!("{operation:?}: {answer:?}"),
        }
    }

    /// Starts a thread that does something with the volume.
    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> shuttle::thread::JoinHandle<T> {
        let scenario = self.clone();
        shuttle::thread::spawn(move || work(&scenario))
    }

    /// Checks what holds for every volume that nobody works on: accounting,
    /// link counts, no directory in a loop, nothing alive without a name.
    ///
    /// # Panics
    /// Where something is wrong.
    pub fn check(&self) {
        check_tree(&self.volume);
    }
}

/// How many schedules each scheduler tries: `LARDER_SCHEDULES`, or 3,000.
#[must_use]
pub fn iterations() -> usize {
    std::env::var("LARDER_SCHEDULES").ok().and_then(|text| text.parse().ok()).unwrap_or(3000)
}

/// Runs a scenario under random schedules, and under such as PCT chooses for
/// bugs that need up to four switches at the right places.
///
/// # Panics
/// If a schedule deadlocks or the scenario panics; shuttle prints the schedule.
pub fn explore(scenario: impl Fn() + Send + Sync + 'static) {
    // Fixed seeds: the same schedules each time, here and in CI.
    const SEED: u64 = 0x1a4d_e400;
    let scenario = Arc::new(scenario);
    run(RandomScheduler::new_from_seed(SEED, iterations()), scenario.clone());
    for depth in 2..=4 {
        run(PctScheduler::new_from_seed(SEED, depth, iterations() / 3), scenario.clone());
    }
}

fn run(scheduler: impl Scheduler + 'static, scenario: Arc<dyn Fn() + Send + Sync>) {
    let mut config = Config::new();
    // Without optimisation our frames are larger than shuttle expects.
    config.stack_size = 1 << 20;
    Runner::new(scheduler, config).run(move || scenario());
}
