//! The suite over NATS, with a client that caches and defers nothing.

mod common;

use common::{Manner, UNKNOWN_PATH};
use larder_store_client::Options;

struct Strict;

impl Manner for Strict {
    const OPTIONS: Options = Options { write_behind: false, cache: false };
    const SYNCS: bool = false;
}

#[test]
fn every_case_holds_but_the_exceptions() {
    assert_eq!(common::failing::<Strict>(), UNKNOWN_PATH);
}
