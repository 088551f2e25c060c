//! Random histories under shuttle's schedules are linearizable: here threads
//! meet between any two locks, where those of the system seldom do.
//! `LARDER_HISTORY_CASES` sets the number of plans.

use std::sync::Arc;

use larder_model::history::{Plan, Recorder, Stage, plan};
use proptest::prelude::*;
use shuttle::scheduler::RandomScheduler;
use shuttle::{Config, Runner};

/// Schedules of one plan.
const SCHEDULES: usize = 20;

fn run(plan: &Plan) {
    let stage = Stage::default();
    let recorder = Arc::new(Recorder::default());
    let threads: Vec<_> = plan
        .iter()
        .cloned()
        .enumerate()
        .map(|(thread, calls)| {
            let (recorder, volume) = (recorder.clone(), stage.volume.clone());
            shuttle::thread::spawn(move || {
                calls.iter().map(|call| recorder.call(&volume, thread, call)).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut calls: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    calls.extend(recorder.aftermath(&stage.volume, plan));
    if let Err(history) = stage.check(&calls) {
        panic!("{history}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: larder_model::cases("LARDER_HISTORY_CASES", 2000),
        max_shrink_iters: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn threads_see_one_order(plan in plan(), seed in any::<u64>()) {
        let mut config = Config::new();
        config.stack_size = 1 << 20;
        Runner::new(RandomScheduler::new_from_seed(seed, SCHEDULES), config).run(move || run(&plan));
    }
}
