//! Random calls with random paths through descriptors of several views, on a
//! volume and on the model with its naive resolver. `LARDER_PATH_CASES` sets
//! the number of cases.

use larder_model::paths::{World, act};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: larder_model::cases("LARDER_PATH_CASES", 4000),
        max_shrink_iters: 20_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn descriptors_behave_as_the_model(
        handles in prop_oneof![3 => Just(100u64), 1 => 0..3u64],
        acts in prop::collection::vec(act(), 1..50),
    ) {
        let mut world = World::new(handles);
        for act in &acts {
            world.act(act);
        }
        world.finish();
    }
}
