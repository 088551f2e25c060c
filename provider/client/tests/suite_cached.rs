//! The suite over NATS, with a client that caches and defers as much as it
//! may, and a guest that syncs what it writes, to see its errors where the
//! cases do.

mod common;

use common::Backing;
use larder_nats_client::Joined;
use larder_store_client::Options;
use larder_store_service::Clock;
use larder_suite::Volumes;
use larder_suite_client::{Manner, failing};

struct Cached;

impl Manner for Cached {
    type Store = Joined;
    type Backing = Backing;
    const OPTIONS: Options = Options { write_behind: true, cache: true };
    const SYNCS: bool = true;

    fn serve(volumes: &Volumes, clock: &Clock) -> Backing {
        common::serve(volumes, clock)
    }

    fn store(backing: &Backing) -> Joined {
        common::joined(backing)
    }
}

/// The cases that see what `docs/forwarding.md` says of caching.
const EXCEPTIONS: [(&str, &str); 3] = [
    ("limits::a_directory_ends_with_quota", "a deferred creation is refused when it is carried out"),
    ("limits::names_end_with_name_too_long", "a deferred creation is refused when it is carried out"),
    ("views::what_one_guest_writes_another_reads", "another guest's writes are seen at the next opening"),
];

#[test]
fn every_case_holds_but_the_exceptions() {
    let exceptions: Vec<&str> = EXCEPTIONS.iter().map(|(name, _)| *name).collect();
    assert_eq!(failing::<Cached>(), exceptions);
}
