//! Objects that the volume did not take: they are not asked for again each time
//! the bucket is looked through.

use std::collections::HashMap;
use std::sync::Arc;

use larder_bucket::Etag;
use parking_lot::Mutex;

/// The most that are remembered; more are asked for each time. Guards memory
/// against a bucket that is much larger than the volume may be.
const MOST: usize = 1 << 20;

/// Keys that were refused, and in which version.
#[derive(Debug, Default)]
pub(super) struct LeftOut(Mutex<HashMap<Arc<str>, Etag>>);

impl LeftOut {
    pub(super) fn add(&self, key: &Arc<str>, etag: &Etag) {
        let mut keys = self.0.lock();
        if keys.len() < MOST || keys.contains_key(key) {
            keys.insert(Arc::clone(key), Arc::clone(etag));
        }
    }

    pub(super) fn contains(&self, key: &str, etag: &Etag) -> bool {
        self.0.lock().get(key) == Some(etag)
    }
}
