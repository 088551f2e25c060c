//! Concurrent histories of metadata operations are linearizable. Each plan is
//! run several times, since threads seldom meet in the same way.
//! `LARDER_HISTORY_CASES` sets the number of plans.

use larder_model::history::{Stage, plan};
use proptest::prelude::*;

const RUNS: usize = 5;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: larder_model::cases("LARDER_HISTORY_CASES", 1000),
        // A plan that fails only now and then shrinks to noise.
        max_shrink_iters: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn threads_see_one_order(plan in plan()) {
        for _ in 0..RUNS {
            Stage::default().run(&plan).map_err(TestCaseError::fail)?;
        }
    }
}
