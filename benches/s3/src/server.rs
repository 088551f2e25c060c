//! The server that all share, and the bucket that a contestant has on it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use larder_bucket::{Bucket, BucketOptions, Condition, Metadata};
use larder_test_s3::{Access, Weed};
use tokio::runtime::Runtime;

use crate::bound;

/// Requests at a time that fill a bucket.
const FILLING: usize = 16;

/// How often it is looked whether the bucket has everything.
const LOOK: Duration = Duration::from_millis(20);

/// A SeaweedFS, and threads for requests.
pub(crate) struct Server {
    weed: Weed,
    runtime: Runtime,
}

impl Server {
    pub(crate) fn start() -> Result<Arc<Self>> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        Ok(Arc::new(Self { weed: Weed::start(), runtime }))
    }
}

/// A bucket of one contestant's; it goes when this is dropped.
pub(crate) struct Ground {
    server: Arc<Server>,
    pub(crate) access: Access,
    pub(crate) name: String,
    pub(crate) bucket: Bucket,
}

/// The client's options for a bucket.
pub(crate) fn options(access: &Access, bucket: &str) -> BucketOptions {
    BucketOptions {
        bucket: bucket.to_owned(),
        endpoint: Some(access.endpoint.clone()),
        region: Some(access.region.clone()),
        credentials: Some((access.access_key.clone(), access.secret_key.clone())),
        ..BucketOptions::default()
    }
}

impl Ground {
    pub(crate) fn new(server: &Arc<Server>) -> Result<Self> {
        let access = server.weed.access();
        let name = format!("bench-{:x}", fastrand::u64(..));
        access.make_bucket(&name);
        let bucket = server.runtime.block_on(Bucket::connect(options(&access, &name)))?;
        let ground = Self { server: Arc::clone(server), access, name, bucket };
        // The first write makes SeaweedFS's volumes, which takes long.
        ground.run(async {
            let key = "warm-up";
            ground.bucket.put(key, Bytes::from_static(b"x"), &Metadata::new(), &Condition::Always).await?;
            ground.bucket.delete(key, &Condition::Always).await
        })?;
        Ok(ground)
    }

    /// Waits for something of requests.
    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.server.runtime.block_on(future)
    }

    /// How many files the bucket has, and their bytes.
    pub(crate) fn content(&self) -> Result<(u64, u64)> {
        let (mut files, mut bytes, mut next) = (0, 0, None::<String>);
        loop {
            let page = self.run(self.bucket.list("", false, None, next.as_deref()))?;
            for object in page.objects.iter().filter(|object| !object.key.ends_with('/')) {
                files += 1;
                bytes += object.size;
            }
            next = page.next;
            if next.is_none() {
                return Ok((files, bytes));
            }
        }
    }

    /// Waits until the bucket has so many files of so many bytes.
    pub(crate) fn wait_for(&self, files: u64, bytes: u64, patience: Duration) -> Result<()> {
        let begun = Instant::now();
        loop {
            let content = self.content()?;
            if content == (files, bytes) {
                return Ok(());
            }
            bound::go_on()?;
            ensure!(
                begun.elapsed() < patience,
                "the bucket has {content:?} after {patience:?}, not {files} files of {bytes} bytes"
            );
            std::thread::sleep(LOOK);
        }
    }

    /// Makes objects that another tool could have made, with markers for
    /// directories, which s3fs needs.
    pub(crate) fn fill(&self, directories: &[String], files: &[String], bytes: usize) -> Result<()> {
        let content = Bytes::from(random(bytes));
        let markers = directories.iter().map(|path| (format!("{path}/"), Bytes::new()));
        let objects = files.iter().map(|path| (path.clone(), content.clone()));
        let put = |(key, body): (String, Bytes)| async move {
            bound::go_on()?;
            let put = self.bucket.put(&key, body, &Metadata::new(), &Condition::Always).await;
            put.map(|_| ()).with_context(|| format!("cannot make {key}"))
        };
        self.run(futures::stream::iter(markers.chain(objects)).map(put).buffer_unordered(FILLING).try_collect())
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let client = self.access.client();
        // SeaweedFS removes what is in it, and its files on the disk.
        if let Err(error) = self.run(client.delete_bucket().bucket(&self.name).send()) {
            crate::say(&format!("the bucket {} stays: {}", self.name, anyhow!(error)));
        }
    }
}

/// Bytes that nobody can compress.
pub(crate) fn random(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    fastrand::Rng::with_seed(7).fill(&mut bytes);
    bytes
}
