//! Single objects, on both servers.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use bytes::Bytes;
use common::{content, kind, places};
use larder_bucket::{Bucket, BucketErrorKind, BucketOptions, Condition, Etag, LONGEST_KEY, Metadata, Operation};

fn none() -> Metadata {
    Metadata::new()
}

fn other() -> Etag {
    Arc::from("00000000000000000000000000000000")
}

async fn put(bucket: &Bucket, key: &str, body: &'static str) -> Etag {
    bucket.put(key, Bytes::from_static(body.as_bytes()), &none(), &Condition::Always).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_is_read() {
    for place in places().await {
        let bucket = &place.bucket;
        let metadata = Metadata::from([
            ("mode".to_owned(), "0644".to_owned()),
            ("target".to_owned(), " ../ü/\u{1F980}\n100% ".to_owned()),
            ("empty".to_owned(), String::new()),
        ]);
        let etag = bucket.put("a/b c+d", "hello".into(), &metadata, &Condition::Always).await.unwrap();
        let head = bucket.head("a/b c+d").await.unwrap().unwrap();
        assert_eq!((&head.etag, head.size), (&etag, 5), "{}", place.server);
        assert_eq!(head.metadata, metadata, "{}", place.server);
        assert!(head.modified.0 > 1_700_000_000);
        assert_eq!(bucket.get("a/b c+d", &etag, 1..4).await.unwrap(), "ell");
        assert_eq!(bucket.get("a/b c+d", &etag, 0..5).await.unwrap(), "hello");
        assert_eq!(bucket.get("a/b c+d", &etag, 3..3).await.unwrap(), "");
        let (object, whole) = bucket.get_whole("a/b c+d", 5).await.unwrap().unwrap();
        assert_eq!((object, whole), (head, Bytes::from("hello")), "{}", place.server);
        assert_eq!(kind(bucket.get_whole("a/b c+d", 4).await), BucketErrorKind::Invalid);
        assert_eq!(kind(bucket.get("a/b c+d", &etag, 3..6).await), BucketErrorKind::Invalid);
        assert_eq!(kind(bucket.get("a/b c+d", &etag, 7..9).await), BucketErrorKind::Invalid);
        assert_eq!(bucket.head("absent").await.unwrap(), None);
        assert_eq!(bucket.get_whole("absent", 1).await.unwrap(), None);
        assert_eq!(kind(bucket.get("absent", &etag, 0..1).await), BucketErrorKind::NotFound);
        let counts = bucket.requests();
        assert_eq!((counts.of(Operation::PutObject), counts.bytes_up), (1, 5));
        assert_eq!(counts.retries, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_object_is_one() {
    for place in places().await {
        let etag = put(&place.bucket, "empty/", "").await;
        let (object, whole) = place.bucket.get_whole("empty/", 0).await.unwrap().unwrap();
        assert_eq!((object.etag, object.size, whole), (etag, 0, Bytes::new()), "{}", place.server);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_has_the_range() {
    for place in places().await {
        let body = content(3_000_000);
        let put = place.bucket.put("large", body.clone().into(), &none(), &Condition::Always).await;
        let mut stream = place.bucket.get_stream("large", &put.unwrap(), 1000..2_500_000).await.unwrap();
        let mut got = Vec::new();
        while let Some(bytes) = stream.next().await {
            let bytes = bytes.unwrap();
            assert!(!bytes.is_empty());
            got.extend_from_slice(&bytes);
            assert_eq!(stream.remaining(), 2_499_000 - got.len() as u64);
        }
        assert!(got == body[1000..2_500_000], "{}", place.server);
        let refused = place.bucket.get_stream("large", &other(), 0..1).await;
        assert_eq!(kind(refused), BucketErrorKind::Conflict);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_sees_one_version() {
    for place in places().await {
        let old = put(&place.bucket, "k", "old").await;
        let new = put(&place.bucket, "k", "new").await;
        assert_ne!(old, new);
        assert_eq!(kind(place.bucket.get("k", &old, 0..3).await), BucketErrorKind::Conflict);
        assert_eq!(place.bucket.get("k", &new, 0..3).await.unwrap(), "new");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_are_conditional() {
    for place in places().await {
        let bucket = &place.bucket;
        let put =
            async |key: &str, body: &str, condition| bucket.put(key, body.to_owned().into(), &none(), &condition).await;
        let first = put("k", "1", Condition::IfAbsent).await.unwrap();
        let refused = put("k", "2", Condition::IfAbsent).await.unwrap_err();
        assert_eq!(refused.kind(), BucketErrorKind::Conflict, "{}", place.server);
        assert!(!refused.after_retry());
        assert_eq!(refused.status(), Some(412));
        let second = put("k", "2", Condition::IfMatch(first.clone())).await.unwrap();
        let conflict = put("k", "3", Condition::IfMatch(first.clone())).await;
        assert_eq!(kind(conflict), BucketErrorKind::Conflict, "{}", place.server);
        let gone = put("absent", "3", Condition::IfMatch(first.clone())).await;
        assert_eq!(kind(gone), BucketErrorKind::Conflict, "{}", place.server);
        assert_eq!(bucket.head("absent").await.unwrap(), None);
        assert_eq!(bucket.get("k", &second, 0..1).await.unwrap(), "2");

        let refused = bucket.delete("k", &Condition::IfMatch(first.clone())).await;
        assert_eq!(kind(refused), BucketErrorKind::Conflict, "{}", place.server);
        assert!(bucket.head("k").await.unwrap().is_some());
        bucket.delete("k", &Condition::IfMatch(second.clone())).await.unwrap();
        assert_eq!(bucket.head("k").await.unwrap(), None);
        bucket.delete("k", &Condition::Always).await.unwrap();
        let absent = bucket.delete("k", &Condition::IfAbsent).await;
        assert_eq!(kind(absent), BucketErrorKind::Invalid);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_creators_wins() {
    for place in places().await {
        let tasks: Vec<_> = (0..16)
            .map(|number: u32| {
                let bucket = place.bucket.clone();
                tokio::spawn(async move {
                    let body = number.to_string().into();
                    bucket.put("race", body, &none(), &Condition::IfAbsent).await
                })
            })
            .collect();
        let mut won = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => won += 1,
                Err(error) => assert_eq!(error.kind(), BucketErrorKind::Conflict, "{error}"),
            }
        }
        assert_eq!(won, 1, "{}", place.server);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_are_made_by_the_server() {
    for place in places().await {
        let bucket = &place.bucket;
        let from = "from ü+%/x";
        let etag = put(bucket, from, "content").await;
        let metadata = Metadata::from([("of".to_owned(), "the copy".to_owned())]);
        let copy = async |etag: &Etag, to: &str, condition| bucket.copy(from, etag, to, &metadata, &condition).await;
        let copied = copy(&etag, "to", Condition::IfAbsent).await.unwrap();
        let (object, whole) = bucket.get_whole("to", 100).await.unwrap().unwrap();
        assert_eq!((&object.etag, &object.metadata), (&copied, &metadata), "{}", place.server);
        assert_eq!(whole, "content");
        let exists = copy(&etag, "to", Condition::IfAbsent).await;
        assert_eq!(kind(exists), BucketErrorKind::Conflict, "{}", place.server);
        let changed = copy(&other(), "to", Condition::Always).await;
        assert_eq!(kind(changed), BucketErrorKind::Conflict, "{}", place.server);
        let target = copy(&etag, "to", Condition::IfMatch(other())).await;
        assert_eq!(kind(target), BucketErrorKind::Conflict, "{}", place.server);
        copy(&etag, "to", Condition::IfMatch(copied)).await.unwrap();
        // Onto itself: other metadata.
        copy(&etag, from, Condition::IfMatch(etag.clone())).await.unwrap();
        assert_eq!(bucket.head(from).await.unwrap().unwrap().metadata, metadata);
        let gone = bucket.copy("absent", &etag, "to", &metadata, &Condition::Always).await;
        assert_eq!(kind(gone), BucketErrorKind::NotFound, "{}", place.server);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_never_work_is_not_asked() {
    let [place, _] = places().await;
    let bucket = &place.bucket;
    let long = "k".repeat(LONGEST_KEY + 1);
    assert_eq!(kind(bucket.head(&long).await), BucketErrorKind::Invalid);
    assert_eq!(kind(bucket.head("").await), BucketErrorKind::Invalid);
    let metadata = Metadata::from([("Upper".to_owned(), String::new())]);
    let refused = bucket.put("k", Bytes::new(), &metadata, &Condition::Always).await;
    assert_eq!(kind(refused), BucketErrorKind::Invalid);
    assert_eq!(bucket.requests().total(), 0);
}

/// What this crate relies on: a server that is told a checksum compares it,
/// also where the signature does not cover the body.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_fit_its_checksum_is_refused() {
    for place in places().await {
        for signed in [true, false] {
            let put = place.access.client().put_object().bucket(&place.name).key("k");
            // Of "hello".
            let put = put.body(b"hellO".to_vec().into()).checksum_crc32("NhCmhg==").customize();
            let put = if signed { put } else { put.disable_payload_signing() };
            assert!(put.send().await.is_err(), "{} {signed}", place.server);
            assert_eq!(place.bucket.head("k").await.unwrap(), None, "{}", place.server);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_can_go_unsigned() {
    for place in places().await {
        let options = BucketOptions { sign_payloads: Some(false), ..common::options(&place.access, &place.name) };
        let bucket = Bucket::connect(options.clone()).await.unwrap();
        let etag = put(&bucket, "k", "content").await;
        let upload = bucket.start_upload("parts", &none()).await.unwrap();
        let parts = [bucket.upload_part(&upload, 1, "part".into()).await.unwrap()];
        bucket.complete_upload(&upload, &parts, &Condition::IfAbsent).await.unwrap();
        assert_eq!(place.bucket.get("k", &etag, 0..7).await.unwrap(), "content");
        // The rest of the request is signed.
        let wrong = Some((place.access.access_key.clone(), "wrong".to_owned()));
        let bucket = Bucket::connect(BucketOptions { credentials: wrong, ..options }).await.unwrap();
        let refused = bucket.put("k", "theirs".into(), &none(), &Condition::Always).await;
        assert_eq!(kind(refused), BucketErrorKind::Denied, "{}", place.server);
    }
}
