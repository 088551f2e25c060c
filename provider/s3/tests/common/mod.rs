//! Buckets on both servers, and the options of a volume in one.
#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "each test uses a part of it; a failing test may panic"
)]

use std::path::Path;
use std::sync::OnceLock;

use larder_bucket::BucketOptions;
use larder_s3::{ReadMode, S3Options, WriteMode};
use larder_test_s3::{Access, S3sFs, Weed};

/// A server of the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    Weed,
    S3sFs,
}

impl Server {
    pub const ALL: [Self; 2] = [Self::Weed, Self::S3sFs];

    /// How to reach it. It runs until this process ends.
    pub fn access(self) -> Access {
        static S3SFS: OnceLock<S3sFs> = OnceLock::new();
        match self {
            Self::Weed => Weed::shared().access(),
            Self::S3sFs => S3SFS.get_or_init(S3sFs::start).access(),
        }
    }

    /// A bucket of this process's, made once; tests take prefixes in it.
    pub fn bucket(self) -> &'static str {
        static BUCKETS: [OnceLock<String>; 2] = [OnceLock::new(), OnceLock::new()];
        BUCKETS[self as usize].get_or_init(|| {
            let name = format!("tests-{:x}", fastrand::u64(..));
            self.access().make_bucket(&name);
            name
        })
    }
}

/// The client's options for a bucket.
pub fn bucket_options(access: &Access, bucket: &str) -> BucketOptions {
    BucketOptions {
        bucket: bucket.to_owned(),
        endpoint: Some(access.endpoint.clone()),
        region: Some(access.region.clone()),
        credentials: Some((access.access_key.clone(), access.secret_key.clone())),
        ..BucketOptions::default()
    }
}

/// A prefix that no other test has.
pub fn new_prefix() -> String {
    format!("p{:x}", fastrand::u64(..))
}

/// A volume's options: no polling, the least memory.
pub fn options(bucket: BucketOptions, prefix: &str, state: &Path, read: ReadMode, write: WriteMode) -> S3Options {
    S3Options {
        bucket,
        prefix: prefix.to_owned(),
        read,
        write,
        poll: None,
        memory: S3Options::LEAST_MEMORY,
        state: Some(state.to_owned()),
        ..S3Options::default()
    }
}

/// Calls a macro with a name for each server and combination of modes.
macro_rules! in_all_modes {
    ($each:ident) => {
        $each! {
            weed_cached_through: Weed Cached Through;
            weed_cached_async: Weed Cached Async;
            weed_through_through: Weed Through Through;
            weed_through_async: Weed Through Async;
            s3s_cached_through: S3sFs Cached Through;
            s3s_cached_async: S3sFs Cached Async;
            s3s_through_through: S3sFs Through Through;
            s3s_through_async: S3sFs Through Async;
        }
    };
}
pub(crate) use in_all_modes;
