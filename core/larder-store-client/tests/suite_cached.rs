//! The suite over a client that caches and defers as much as it may, with a
//! guest that syncs what it writes, to see its errors where the cases do.

mod common;

use std::panic::catch_unwind;
use std::sync::Arc;

use common::Backing;
use larder_store_client::Options;
use larder_store_service::{Clock, Session};
use larder_suite::{Case, Volumes};
use larder_suite_client::{Guest, Manner};

struct Cached;

impl Manner for Cached {
    type Store = Session;
    type Backing = Backing;
    const OPTIONS: Options = Options { write_behind: true, cache: true };
    const SYNCS: bool = true;

    fn serve(volumes: &Volumes, clock: &Clock) -> Backing {
        (volumes.clone(), Arc::clone(clock))
    }

    fn store(backing: &Backing) -> Session {
        common::session(backing)
    }
}

/// The cases that see what `docs/forwarding.md` says of caching.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("limits::a_directory_ends_with_quota", "a deferred creation is refused when it is carried out"),
    ("limits::names_end_with_name_too_long", "a deferred creation is refused when it is carried out"),
    ("views::what_one_guest_writes_another_reads", "another guest's writes are seen at the next opening"),
];

fn is_exception(case: &Case) -> bool {
    EXCEPTIONS.iter().any(|(name, _)| *name == case.name)
}

#[test]
fn every_case_holds_but_the_exceptions() {
    let cases = larder_suite::cases::<Guest<Cached>>();
    let failed: Vec<&str> = cases
        .iter()
        .filter(|case| !is_exception(case) && catch_unwind(case.run).is_err())
        .map(|case| case.name)
        .collect();
    assert!(cases.len() > 100, "the suite is not empty");
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn the_exceptions_are_exceptions() {
    let cases = larder_suite::cases::<Guest<Cached>>();
    let exceptions: Vec<&Case> = cases.iter().filter(|case| is_exception(case)).collect();
    assert_eq!(exceptions.len(), EXCEPTIONS.len(), "every exception names a case");
    for case in exceptions {
        assert!(catch_unwind(case.run).is_err(), "{} holds: it is no exception any more", case.name);
    }
}
