//! The suite over a client that caches and defers nothing.

mod common;

use std::sync::Arc;

use common::Backing;
use larder_store_client::Options;
use larder_store_service::{Clock, Session};
use larder_suite::Volumes;
use larder_suite_client::{Guest, Manner};

struct Strict;

impl Manner for Strict {
    type Store = Session;
    type Backing = Backing;
    const OPTIONS: Options = Options { write_behind: false, cache: false };
    const SYNCS: bool = false;

    fn serve(volumes: &Volumes, clock: &Clock) -> Backing {
        (volumes.clone(), Arc::clone(clock))
    }

    fn store(backing: &Backing) -> Session {
        common::session(backing)
    }
}

larder_suite::suite!(Guest<Strict>);
