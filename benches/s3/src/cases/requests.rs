//! The ceiling of large transfers: Larder's client of S3, without files.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use larder_bucket::{Condition, Metadata};

use super::Out;
use crate::bound::Sample;
use crate::caches::drop_caches;
use crate::server::{Ground, random};
use crate::sizes::Sizes;

/// Bytes of a part, and of a range.
const PART: u64 = 8 << 20;

/// Requests at a time.
const PARALLEL: usize = 4;

const KEY: &str = "object";

/// Uploads an object in parts and gets it in ranges.
pub(crate) fn run(ground: &Ground, name: &str, length: u64, sizes: &Sizes, out: Out<'_>) -> Result<()> {
    let (write, read) = match name {
        "large" => ("large-write-synced", "large-read-cold"),
        _ => ("huge-write-synced", "huge-read-cold"),
    };
    let part = Bytes::from(random(usize::try_from(PART)?));
    let begun = Instant::now();
    ground.run(upload(ground, length, &part))?;
    out(write, Sample::whole(begun, length));
    drop_caches(sizes)?;
    let begun = Instant::now();
    let count = ground.run(get(ground))?;
    ensure!(count == length, "{count} bytes came back, not {length}");
    out(read, Sample::whole(begun, length));
    Ok(())
}

async fn upload(ground: &Ground, length: u64, part: &Bytes) -> Result<()> {
    let bucket = &ground.bucket;
    let upload = bucket.start_upload(KEY, &Metadata::new()).await?;
    let put = |number: u64| {
        let (upload, part) = (&upload, part.clone());
        async move { anyhow::Ok(bucket.upload_part(upload, u32::try_from(number)?, part).await?) }
    };
    let parts = futures::stream::iter(1..=length / PART).map(put).buffer_unordered(PARALLEL);
    let mut parts: Vec<_> = parts.try_collect().await?;
    parts.sort_unstable_by_key(|part| part.number);
    bucket.complete_upload(&upload, &parts, &Condition::Always).await?;
    Ok(())
}

async fn get(ground: &Ground) -> Result<u64> {
    let bucket = &ground.bucket;
    let object = bucket.head(KEY).await?.context("the object is gone")?;
    let get = |at: u64| {
        let etag = &object.etag;
        let range = at * PART..object.size.min((at + 1) * PART);
        async move { anyhow::Ok(bucket.get(KEY, etag, range).await?.len() as u64) }
    };
    let ranges = futures::stream::iter(0..object.size.div_ceil(PART)).map(get).buffered(PARALLEL);
    ranges.try_fold(0, |sum, length| async move { Ok(sum + length) }).await
}
