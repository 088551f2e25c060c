//! The suite over NATS, with a client that caches and defers nothing.

mod common;

use common::{Guest, Manner};
use larder_store_client::Options;

struct Strict;

impl Manner for Strict {
    const OPTIONS: Options = Options { write_behind: false, cache: false };
    const SYNCS: bool = false;
}

larder_suite::suite!(Guest<Strict>);
