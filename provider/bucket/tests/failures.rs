//! Servers and networks in trouble.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{content, kind, places};
use larder_bucket::{
    Bucket, BucketError, BucketErrorKind, BucketOptions, Condition, Etag, GetStream, Metadata, Operation,
};
use larder_test_s3::{Answer, Fault, Kind, Rule};

async fn put(bucket: &Bucket, key: &str, condition: Condition) -> Result<Etag, BucketError> {
    bucket.put(key, "content".into(), &Metadata::new(), &condition).await
}

/// The error that a stream ends with.
async fn last(stream: &mut GetStream) -> BucketError {
    loop {
        if let Err(error) = stream.next().await.unwrap() {
            return error;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_is_tried_again() {
    let faults = [
        Fault::ResetBefore,
        Fault::ResetAfter,
        Fault::Answer(Answer::INTERNAL_ERROR),
        Fault::Answer(Answer::UNAVAILABLE),
        Fault::Answer(Answer::SLOW_DOWN),
        Fault::AnswerAfter(Answer::INTERNAL_ERROR),
    ];
    for place in places().await {
        let (network, bucket) = place.spoiled().await;
        for fault in faults {
            network.set(Rule::new(fault).times(2));
            let etag = put(&bucket, "k", Condition::Always).await.unwrap();
            network.set(Rule::new(fault).times(2));
            assert_eq!(bucket.get("k", &etag, 0..7).await.unwrap(), "content", "{fault:?}");
            network.set(Rule::new(fault).times(2));
            assert_eq!(bucket.list("", false, None, None).await.unwrap().objects.len(), 1);
            network.set(Rule::new(fault).times(2));
            assert_eq!(bucket.head("k").await.unwrap().unwrap().size, 7);
            network.set(Rule::new(fault).times(2));
            bucket.delete("k", &Condition::Always).await.unwrap();
            network.clear();
        }
        let counts = bucket.requests();
        assert_eq!(counts.retries, 2 * 5 * faults.len() as u64, "{}", place.server);
        assert_eq!(counts.errors, counts.retries);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_comes_after_all_attempts() {
    let cases = [
        (Fault::Answer(Answer::INTERNAL_ERROR), BucketErrorKind::Unavailable, 3, Some(500)),
        (Fault::Answer(Answer::SLOW_DOWN), BucketErrorKind::Throttled, 3, Some(503)),
        (Fault::Answer(Answer::new(429, "")), BucketErrorKind::Throttled, 3, Some(429)),
        (Fault::ResetBefore, BucketErrorKind::Unavailable, 3, None),
        (Fault::Answer(Answer::CONFLICT), BucketErrorKind::Conflict, 3, Some(409)),
        (Fault::Answer(Answer::PRECONDITION_FAILED), BucketErrorKind::Conflict, 1, Some(412)),
        (Fault::Answer(Answer::FULL), BucketErrorKind::OutOfSpace, 1, Some(507)),
        (Fault::Answer(Answer::ACCESS_DENIED), BucketErrorKind::Denied, 1, Some(403)),
        (Fault::Answer(Answer::NO_BUCKET), BucketErrorKind::NotFound, 1, Some(404)),
        (Fault::Answer(Answer::new(400, "KeyTooLongError")), BucketErrorKind::Invalid, 1, Some(400)),
        (Fault::Answer(Answer::new(400, "BadDigest")), BucketErrorKind::Corrupt, 3, Some(400)),
    ];
    let [place, _] = places().await;
    let (network, bucket) = place.spoiled().await;
    for (fault, kind, attempts, status) in cases {
        network.clear();
        network.reset_counts();
        network.set(Rule::new(fault));
        let error = put(&bucket, "k", Condition::Always).await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (kind, status), "{fault:?} {error}");
        assert_eq!(network.counts().of(Kind::Put), attempts, "{fault:?}");
        let text = error.to_string();
        assert!(text.starts_with("PutObject of \"k\" in bucket"), "{text}");
    }
}

/// A write that the server carried out, and whose answer was lost.
#[tokio::test(flavor = "multi_thread")]
async fn the_own_success_is_told_from_anothers() {
    let faults = [Fault::ResetAfter, Fault::StallAfter, Fault::AnswerAfter(Answer::INTERNAL_ERROR)];
    for place in places().await {
        let (network, bucket) = place.spoiled().await;
        for (number, fault) in faults.into_iter().enumerate() {
            let key = format!("k{number}");
            network.set(Rule::new(fault).kind(Kind::Put).times(1));
            let error = put(&bucket, &key, Condition::IfAbsent).await.unwrap_err();
            assert_eq!(error.kind(), BucketErrorKind::Conflict, "{fault:?} {error}");
            assert!(error.after_retry(), "{fault:?} {error}");
            let etag = bucket.head(&key).await.unwrap().unwrap().etag;

            network.set(Rule::new(fault).kind(Kind::Delete).times(1));
            let deleted = bucket.delete(&key, &Condition::IfMatch(etag)).await;
            // Whether a version can be deleted that is gone: servers differ.
            if let Err(error) = deleted {
                assert_eq!(error.kind(), BucketErrorKind::Conflict, "{fault:?} {error}");
                assert!(error.after_retry(), "{fault:?} {error}");
            }
            assert_eq!(bucket.head(&key).await.unwrap(), None);

            let upload = bucket.start_upload(&key, &Metadata::new()).await.unwrap();
            let parts = [bucket.upload_part(&upload, 1, "part".into()).await.unwrap()];
            network.set(Rule::new(fault).kind(Kind::CompleteMultipart).times(1));
            match bucket.complete_upload(&upload, &parts, &Condition::IfAbsent).await {
                Ok(_) => {}
                Err(error) => {
                    let over = [BucketErrorKind::Conflict, BucketErrorKind::NoSuchUpload];
                    assert!(over.contains(&error.kind()), "{fault:?} {error}");
                    assert!(error.after_retry(), "{fault:?} {error}");
                }
            }
            assert_eq!(bucket.head(&key).await.unwrap().unwrap().size, 4);
        }
        // What was not carried out is not suspected.
        network.set(Rule::new(Fault::Answer(Answer::SLOW_DOWN)).times(1));
        let error = put(&bucket, "k0", Condition::IfAbsent).await.unwrap_err();
        assert_eq!(error.kind(), BucketErrorKind::Conflict);
        assert!(!error.after_retry(), "{}", place.server);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_in_a_good_answer_is_one() {
    let [place, _] = places().await;
    let (network, bucket) = place.spoiled().await;
    let etag = put(&bucket, "k", Condition::Always).await.unwrap();
    let none = Metadata::new();
    network.set(Rule::new(Fault::Answer(Answer::LATE_ERROR)).kind(Kind::Copy).times(1));
    bucket.copy("k", &etag, "copy", &none, &Condition::IfAbsent).await.unwrap();
    assert_eq!(bucket.requests().of(Operation::CopyObject), 2);
    network.set(Rule::new(Fault::Answer(Answer::LATE_ERROR)).kind(Kind::Copy));
    let failed = bucket.copy("k", &etag, "copy2", &none, &Condition::IfAbsent).await;
    assert_eq!(kind(failed), BucketErrorKind::Unavailable);

    let upload = bucket.start_upload("k", &none).await.unwrap();
    let parts = [bucket.upload_part(&upload, 1, "part".into()).await.unwrap()];
    network.set(Rule::new(Fault::Answer(Answer::LATE_ERROR)).kind(Kind::CompleteMultipart));
    let failed = bucket.complete_upload(&upload, &parts, &Condition::Always).await;
    assert_eq!(kind(failed), BucketErrorKind::Unavailable);
    assert_eq!(bucket.head("k").await.unwrap().unwrap().size, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_an_answer_is_not_taken_for_one() {
    for place in places().await {
        let (network, bucket) = place.spoiled().await;
        let body = content(1_000_000);
        let none = Metadata::new();
        let etag = bucket.put("k", body.clone().into(), &none, &Condition::Always).await.unwrap();
        network.set(Rule::new(Fault::Truncate(300_000)).kind(Kind::Get).times(1));
        assert!(bucket.get("k", &etag, 0..1_000_000).await.unwrap() == body, "{}", place.server);
        network.set(Rule::new(Fault::Truncate(300_000)).kind(Kind::Get).times(1));
        let (_, whole) = bucket.get_whole("k", 1 << 20).await.unwrap().unwrap();
        assert!(whole == body, "{}", place.server);

        // A stream goes on where it broke off.
        network.set(Rule::new(Fault::Truncate(300_000)).kind(Kind::Get).times(2));
        network.reset_counts();
        let before = bucket.requests().bytes_down;
        let mut stream = bucket.get_stream("k", &etag, 0..1_000_000).await.unwrap();
        let mut got = Vec::new();
        while let Some(bytes) = stream.next().await {
            got.extend_from_slice(&bytes.unwrap());
        }
        assert!(got == body, "{}", place.server);
        assert_eq!(network.counts().of(Kind::Get), 3);
        assert_eq!(bucket.requests().bytes_down - before, 1_000_000);

        network.set(Rule::new(Fault::Truncate(1000)).kind(Kind::Get));
        let failed = bucket.get("k", &etag, 0..1_000_000).await;
        assert_eq!(kind(failed), BucketErrorKind::Unavailable, "{}", place.server);
        // The first request of a stream may be the one that fails.
        if let Ok(mut stream) = bucket.get_stream("k", &etag, 0..1_000_000).await {
            let failed = last(&mut stream).await;
            assert_eq!(failed.kind(), BucketErrorKind::Unavailable);
            assert!(stream.next().await.is_none());
        }
        network.clear();
        network.set(Rule::new(Fault::Truncate(30)).kind(Kind::List).times(1));
        assert_eq!(bucket.list("", false, None, None).await.unwrap().objects.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_byte_is_noticed() {
    let [place, _] = places().await;
    let (network, bucket) = place.spoiled().await;
    let body = Bytes::from(content(100_000));
    let none = Metadata::new();
    bucket.put("k", body.clone(), &none, &Condition::Always).await.unwrap();
    let upload = bucket.start_upload("parts", &none).await.unwrap();
    let parts = [bucket.upload_part(&upload, 1, body.clone()).await.unwrap()];
    bucket.complete_upload(&upload, &parts, &Condition::Always).await.unwrap();
    for key in ["k", "parts"] {
        network.set(Rule::new(Fault::Corrupt(77)).kind(Kind::Get).times(1));
        let (_, whole) = bucket.get_whole(key, 1 << 20).await.unwrap().unwrap();
        assert!(whole == body);
        network.set(Rule::new(Fault::Corrupt(77)).kind(Kind::Get));
        assert_eq!(kind(bucket.get_whole(key, 1 << 20).await), BucketErrorKind::Corrupt, "{key}");
        network.clear();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_waits_for_ever() {
    let [place, _] = places().await;
    let (network, bucket) = place.spoiled().await;
    let etag = put(&bucket, "k", Condition::Always).await.unwrap();
    network.set(Rule::new(Fault::Stall));
    let begun = Instant::now();
    let (one, two, three) = tokio::join!(
        put(&bucket, "k", Condition::Always),
        bucket.get("k", &etag, 0..7),
        bucket.list("", false, None, None),
    );
    let took = begun.elapsed();
    assert!(took > Duration::from_secs(2) && took < Duration::from_secs(7), "{took:?}");
    assert_eq!(kind(one), BucketErrorKind::Unavailable);
    assert_eq!(kind(two), BucketErrorKind::Unavailable);
    assert_eq!(kind(three), BucketErrorKind::Unavailable);
    network.clear();

    // A body that trickles.
    let body = Bytes::from(content(100_000));
    let etag = bucket.put("k", body, &Metadata::new(), &Condition::Always).await.unwrap();
    network.set(Rule::new(Fault::Bandwidth(1000)).kind(Kind::Get));
    let begun = Instant::now();
    assert_eq!(kind(bucket.get("k", &etag, 0..100_000).await), BucketErrorKind::Unavailable);
    let mut stream = bucket.get_stream("k", &etag, 0..100_000).await.unwrap();
    assert_eq!(last(&mut stream).await.kind(), BucketErrorKind::Unavailable);
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_back_is_used_again() {
    let [place, _] = places().await;
    let (network, bucket) = place.spoiled().await;
    put(&bucket, "k", Condition::Always).await.unwrap();
    network.down();
    let error = bucket.head("k").await.unwrap_err();
    assert_eq!(error.kind(), BucketErrorKind::Unavailable);
    assert!(error.to_string().contains("after 3 attempts"), "{error}");
    network.up();
    assert!(bucket.head("k").await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_configured_it_learns_what_is_wrong() {
    for place in places().await {
        let good = common::options(&place.access, &place.name);
        let check = async |options: BucketOptions| {
            let options = BucketOptions { attempts: 2, ..options };
            Bucket::connect(options).await.unwrap().check("prefix/").await
        };
        check(good.clone()).await.unwrap();
        let absent = check(BucketOptions { bucket: "absent".into(), ..good.clone() }).await;
        let absent = absent.unwrap_err();
        assert_eq!(absent.kind(), BucketErrorKind::NotFound, "{absent}");
        assert!(absent.to_string().contains("create the bucket"), "{absent}");

        let wrong = Some((place.access.access_key.clone(), "wrong".to_owned()));
        let wrong = check(BucketOptions { credentials: wrong, ..good.clone() }).await.unwrap_err();
        assert_eq!(wrong.kind(), BucketErrorKind::Denied, "{wrong}");
        assert!(wrong.to_string().contains("secret"), "{wrong}");
        let wrong = Some(("nobody".to_owned(), "wrong".to_owned()));
        let wrong = check(BucketOptions { credentials: wrong, ..good.clone() }).await.unwrap_err();
        assert_eq!(wrong.kind(), BucketErrorKind::Denied, "{wrong}");

        for endpoint in ["http://127.0.0.1:9", "http://absent.invalid"] {
            let endpoint = Some(endpoint.to_owned());
            let nowhere = check(BucketOptions { endpoint, ..good.clone() }).await.unwrap_err();
            assert_eq!(nowhere.kind(), BucketErrorKind::Unavailable, "{nowhere}");
            assert!(nowhere.to_string().contains("check the endpoint"), "{nowhere}");
        }
    }
}

#[tokio::test]
async fn options_that_make_no_sense_are_refused() {
    let good = BucketOptions { bucket: "b".into(), ..BucketOptions::default() };
    let bad = [
        BucketOptions { bucket: String::new(), ..good.clone() },
        BucketOptions { bucket: "a/b".into(), ..good.clone() },
        BucketOptions { attempts: 0, ..good.clone() },
        BucketOptions { request_timeout: Duration::ZERO, ..good.clone() },
        BucketOptions { endpoint: Some("127.0.0.1:80".into()), ..good.clone() },
        BucketOptions { ca_bundle: Some("/absent".into()), ..good.clone() },
        BucketOptions { ca_bundle: Some("/dev/null".into()), ..good.clone() },
    ];
    for options in bad {
        let shown = format!("{options:?}");
        assert_eq!(kind(Bucket::connect(options).await), BucketErrorKind::Invalid, "{shown}");
    }
}
