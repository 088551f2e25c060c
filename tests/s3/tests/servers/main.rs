//! What the two servers do, as the crate's doc tells.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod conditions;
mod contents;
mod facts;
mod keys;
mod listing;
mod multipart;
mod races;
mod table;

use larder_test_s3::{Access, S3sFs, Weed};

use facts::Facts;

async fn all(access: &Access) -> Facts {
    let mut facts = Facts::new(access);
    conditions::put(&mut facts).await;
    conditions::copy(&mut facts).await;
    conditions::delete(&mut facts).await;
    conditions::read(&mut facts).await;
    races::all(&mut facts).await;
    contents::all(&mut facts).await;
    keys::all(&mut facts).await;
    listing::all(&mut facts).await;
    multipart::all(&mut facts).await;
    facts
}

#[tokio::test(flavor = "multi_thread")]
async fn seaweedfs() {
    let weed = Weed::start();
    all(&weed.access()).await.assert(|row| row.weed);
}

#[tokio::test(flavor = "multi_thread")]
async fn s3s_fs() {
    let server = S3sFs::start();
    all(&server.access()).await.assert(|row| row.s3s);
}
