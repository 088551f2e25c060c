//! Multipart uploads, on both servers.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use common::{content, kind, places};
use larder_bucket::{BucketErrorKind, Condition, Metadata, Part, SMALLEST_PART, Upload};

const PART: usize = 5 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn parts_make_an_object() {
    for place in places().await {
        let bucket = &place.bucket;
        let body = content(2 * PART + 77);
        let whole = Bytes::from(body.clone());
        let metadata = Metadata::from([("a".to_owned(), "ü".to_owned())]);
        let upload = bucket.start_upload("dir/ü x", &metadata).await.unwrap();
        let (one, two, three) = tokio::join!(
            bucket.upload_part(&upload, 1, whole.slice(..PART)),
            bucket.upload_part(&upload, 2, whole.slice(PART..2 * PART)),
            bucket.upload_part(&upload, 3, whole.slice(2 * PART..)),
        );
        let parts = [one.unwrap(), two.unwrap(), three.unwrap()];
        assert_eq!(bucket.head("dir/ü x").await.unwrap(), None);
        let found = bucket.uploads("dir/").await.unwrap();
        assert_eq!(found.len(), 1, "{}", place.server);
        assert_eq!(found[0].0, upload, "{}", place.server);
        let age = SystemTime::now().duration_since(found[0].1).unwrap_or_default();
        assert!(age < Duration::from_secs(600), "{} {age:?}", place.server);
        assert!(bucket.uploads("other/").await.unwrap().is_empty());

        let etag = bucket.complete_upload(&upload, &parts, &Condition::IfAbsent).await.unwrap();
        let (object, got) = bucket.get_whole("dir/ü x", u64::MAX).await.unwrap().unwrap();
        assert!(got == body, "{}", place.server);
        assert_eq!((object.etag, object.metadata), (etag, metadata), "{}", place.server);
        assert!(bucket.uploads("").await.unwrap().is_empty(), "{}", place.server);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_can_be_of_another_object() {
    for place in places().await {
        let bucket = &place.bucket;
        let body = content(PART + 1000);
        let none = Metadata::new();
        let from = bucket.put("from", body.clone().into(), &none, &Condition::Always).await.unwrap();
        // In place: most of the new version is the old one.
        let upload = bucket.start_upload("from", &none).await.unwrap();
        let range = 500..500 + SMALLEST_PART;
        let one = bucket.copy_part(&upload, 1, "from", &from, range).await.unwrap();
        assert_eq!(one.size, SMALLEST_PART);
        let two = bucket.upload_part(&upload, 2, "end".into()).await.unwrap();
        let other = Arc::from("00000000000000000000000000000000");
        let changed = bucket.copy_part(&upload, 3, "from", &other, 0..9).await;
        assert_eq!(kind(changed), BucketErrorKind::Conflict, "{}", place.server);
        let beyond = bucket.copy_part(&upload, 3, "from", &from, 9..1 << 40).await;
        assert!(beyond.is_err(), "{}", place.server);
        let condition = Condition::IfMatch(from);
        let etag = bucket.complete_upload(&upload, &[one, two], &condition).await.unwrap();
        let got = bucket.get("from", &etag, 0..SMALLEST_PART + 3).await.unwrap();
        assert!(got[..PART] == body[500..500 + PART], "{}", place.server);
        assert_eq!(&got[PART..], b"end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn completion_is_conditional() {
    for place in places().await {
        let bucket = &place.bucket;
        let none = Metadata::new();
        bucket.put("k", "theirs".into(), &none, &Condition::Always).await.unwrap();
        let upload = bucket.start_upload("k", &none).await.unwrap();
        let part = bucket.upload_part(&upload, 1, "ours".into()).await.unwrap();
        let parts = [part];
        let refused = bucket.complete_upload(&upload, &parts, &Condition::IfAbsent).await;
        assert_eq!(kind(refused), BucketErrorKind::Conflict, "{}", place.server);
        let other = Condition::IfMatch(Arc::from("00000000000000000000000000000000"));
        let refused = bucket.complete_upload(&upload, &parts, &other).await;
        assert_eq!(kind(refused), BucketErrorKind::Conflict, "{}", place.server);
        let (_, got) = bucket.get_whole("k", 100).await.unwrap().unwrap();
        assert_eq!(got, "theirs", "{}", place.server);
        bucket.abort_upload(&upload).await.unwrap();
        bucket.abort_upload(&upload).await.unwrap();
        let over = bucket.upload_part(&upload, 1, "late".into()).await;
        assert_eq!(kind(over), BucketErrorKind::NoSuchUpload, "{}", place.server);
        let over = bucket.complete_upload(&upload, &parts, &Condition::Always).await;
        assert_eq!(kind(over), BucketErrorKind::NoSuchUpload, "{}", place.server);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_never_work_is_not_asked() {
    let [place, _] = places().await;
    let bucket = &place.bucket;
    let upload = Upload { key: "k".to_owned(), id: "id".to_owned() };
    let part = |number| Part { number, etag: Arc::from("e"), size: 1, crc32: None };
    for number in [0, 10_001] {
        let refused = bucket.upload_part(&upload, number, Bytes::new()).await;
        assert_eq!(kind(refused), BucketErrorKind::Invalid);
    }
    for parts in [vec![], vec![part(2), part(1)], vec![part(1), part(1)]] {
        let refused = bucket.complete_upload(&upload, &parts, &Condition::Always).await;
        assert_eq!(kind(refused), BucketErrorKind::Invalid);
    }
    let from = Arc::from("e");
    assert_eq!(kind(bucket.copy_part(&upload, 1, "f", &from, 3..3).await), BucketErrorKind::Invalid);
    assert_eq!(bucket.requests().total(), 0);
}

/// What this crate relies on: parts and wholes are compared with their
/// checksums. s3s-fs ignores those of parts, as its description says.
#[tokio::test(flavor = "multi_thread")]
async fn seaweedfs_refuses_what_does_not_fit_its_checksum() {
    let [place, _] = places().await;
    let bucket = &place.bucket;
    let upload = bucket.start_upload("k", &Metadata::new()).await.unwrap();
    let part = place.access.client().upload_part().bucket(&place.name).key("k");
    let part = part.upload_id(&upload.id).part_number(1).body(b"hellO".to_vec().into());
    // Of "hello".
    assert!(part.checksum_crc32("NhCmhg==").send().await.is_err());

    let good = bucket.upload_part(&upload, 1, "hello".into()).await.unwrap();
    let wrong = Part { crc32: Some(1), ..good.clone() };
    let refused = bucket.complete_upload(&upload, &[wrong], &Condition::Always).await;
    assert!(matches!(kind(refused), BucketErrorKind::Corrupt | BucketErrorKind::Invalid));
    assert_eq!(bucket.head("k").await.unwrap(), None);
    bucket.complete_upload(&upload, &[good], &Condition::Always).await.unwrap();
}
