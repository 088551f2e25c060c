//! Buckets on both servers.
#![allow(dead_code, reason = "each test uses some of it")]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use larder_bucket::{Bucket, BucketError, BucketErrorKind, BucketOptions};
use larder_test_s3::{Access, Faults, S3sFs, Weed};

/// A server, and an empty bucket of this test alone on it.
pub(crate) struct Place {
    pub(crate) server: &'static str,
    pub(crate) access: Access,
    pub(crate) name: String,
    pub(crate) bucket: Bucket,
}

/// SeaweedFS and s3s-fs.
pub(crate) async fn places() -> [Place; 2] {
    static S3S: OnceLock<S3sFs> = OnceLock::new();
    let weed = Weed::shared().access();
    let s3s = S3S.get_or_init(S3sFs::start).access();
    [Place::new("weed", weed).await, Place::new("s3s-fs", s3s).await]
}

impl Place {
    async fn new(server: &'static str, access: Access) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("bucket-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        access.make_bucket(&name);
        let bucket = Bucket::connect(options(&access, &name)).await.unwrap();
        Self { server, access, name, bucket }
    }

    /// The same bucket through a network that can be spoiled, with short
    /// times.
    pub(crate) async fn spoiled(&self) -> (Faults, Bucket) {
        let faults = Faults::to(&self.access.endpoint);
        let access = self.access.through(faults.endpoint());
        let bucket = Bucket::connect(BucketOptions {
            request_timeout: Duration::from_secs(2),
            attempts: 3,
            first_pause: Duration::from_millis(5),
            ..options(&access, &self.name)
        });
        (faults, bucket.await.unwrap())
    }
}

pub(crate) fn options(access: &Access, bucket: &str) -> BucketOptions {
    BucketOptions {
        bucket: bucket.to_owned(),
        endpoint: Some(access.endpoint.clone()),
        region: Some(access.region.clone()),
        credentials: Some((access.access_key.clone(), access.secret_key.clone())),
        ..BucketOptions::default()
    }
}

/// What a call failed with.
#[track_caller]
pub(crate) fn kind<T>(result: Result<T, BucketError>) -> BucketErrorKind {
    match result {
        Ok(_) => panic!("it succeeded"),
        Err(error) => error.kind(),
    }
}

/// Bytes that differ from place to place.
pub(crate) fn content(length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    std::iter::repeat_with(|| random.u8(..)).take(length).collect()
}
