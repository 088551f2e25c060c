//! Volumes that are made before the guest starts are found by the limits.

use std::collections::BTreeSet;

use larder_core::Limits;
use larder_suite::{InProcess, Mount, Set, every_set, random};

#[test]
fn every_set_of_limits_has_mounts_of_its_own() {
    let sets = every_set();
    for turn in 0..2 {
        let default = Set { limits: Limits::default(), turn };
        assert!(sets.contains(&default), "cases start one or two guests with the default limits");
    }
    assert!(sets.len() > 5, "the cases of the limits ask for others: {sets:?}");
    let paths: BTreeSet<_> = sets.iter().flat_map(|set| Mount::ALL.map(|mount| set.mount_path(mount))).collect();
    assert_eq!(paths.len(), sets.len() * Mount::ALL.len());
    assert!(paths.contains("/links=3/scoped/read-only"), "{paths:?}");
}

#[test]
fn a_random_program_is_the_same_twice_and_does_something() {
    let trace = random::<InProcess>(7, 2000);
    assert_eq!(trace, random::<InProcess>(7, 2000));
    assert_ne!(trace, random::<InProcess>(8, 2000));
    let succeeded = trace.lines().filter(|line| line.contains(" = ")).count();
    assert!(succeeded > 400, "{succeeded} of 2000 operations succeeded");
}
