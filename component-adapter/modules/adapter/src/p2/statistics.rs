//! `larder:fs/statistics`: what the volumes hold.

use larder_engine::statistics;

use super::bindings::exports::larder::fs::statistics::{Charges, Guest};
use super::{Adapter, now};

impl Guest for Adapter {
    fn usage(path: String) -> Option<Charges> {
        statistics::usage(now, &path).map(record)
    }

    fn recount(path: String) -> Option<Charges> {
        statistics::recount(now, &path).map(record)
    }
}

fn record(charges: statistics::Charges) -> Charges {
    let [bytes, inodes, open_handles, limit_bytes, limit_inodes, limit_open_handles] = charges;
    Charges { bytes, inodes, open_handles, limit_bytes, limit_inodes, limit_open_handles }
}
