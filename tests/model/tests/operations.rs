//! Random operations on a volume and on the reference model: every answer,
//! the accounting and the final trees must be equal. `LARDER_MODEL_CASES` sets
//! the number of cases.

use larder_core::{Limits, Timestamp, VolumeOptions};
use larder_model::generate::{self, Step};
use larder_model::run::Run;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

fn options(limits: Limits) -> VolumeOptions {
    VolumeOptions { name: "model".into(), limits, generation: 7, now: Timestamp::from_seconds(-5) }
}

fn check(limits: Limits, steps: &[Step]) {
    let mut run = Run::new(options(limits));
    for step in steps {
        run.step(step);
    }
    run.finish();
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: larder_model::cases("LARDER_MODEL_CASES", 4000),
        max_shrink_iters: 20_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_volume_behaves_as_the_model(limits in generate::limits(), steps in generate::steps()) {
        check(limits, &steps);
    }
}
