//! The suite over NATS, with a client that caches and defers nothing.

mod common;

use common::Backing;
use larder_nats_client::Joined;
use larder_store_client::Options;
use larder_store_service::Clock;
use larder_suite::Volumes;
use larder_suite_client::{Manner, failing};

struct Strict;

impl Manner for Strict {
    type Store = Joined;
    type Backing = Backing;
    const OPTIONS: Options = Options { write_behind: false, cache: false };
    const SYNCS: bool = false;

    fn serve(volumes: &Volumes, clock: &Clock) -> Backing {
        common::serve(volumes, clock)
    }

    fn store(backing: &Backing) -> Joined {
        common::joined(backing)
    }
}

#[test]
fn every_case_holds() {
    assert_eq!(failing::<Strict>(), Vec::<&str>::new());
}
