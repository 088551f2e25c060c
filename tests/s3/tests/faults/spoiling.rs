//! Each fault, and whom a rule takes.

use std::time::{Duration, Instant};

use larder_test_s3::{Answer, Fault, Kind, Rule};

use super::{BUCKET, Setting};

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_keeps_the_request_from_the_server() {
    let setting = Setting::new();
    let answers = [
        (Answer::INTERNAL_ERROR, "500 InternalError"),
        (Answer::SLOW_DOWN, "503 SlowDown"),
        (Answer::ACCESS_DENIED, "403 AccessDenied"),
        (Answer::PRECONDITION_FAILED, "412 PreconditionFailed"),
        (Answer::CONFLICT, "409 ConditionalRequestConflict"),
        (Answer::FULL, "507 XMinioStorageFull"),
    ];
    for (answer, told) in answers {
        setting.faults.set(Rule::new(Fault::Answer(answer)).times(1));
        assert_eq!(setting.put("key", "content").await, Err(told.to_owned()));
    }
    assert_eq!(setting.has("key").await, None);
    assert_eq!(setting.put("key", "content").await, Ok(()));
    assert_eq!(setting.faults.counts().spoiled, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_reset_before_did_not_happen_and_after_did() {
    let setting = Setting::new();
    setting.faults.set(Rule::new(Fault::ResetBefore).times(1));
    assert_eq!(setting.put("before", "content").await, Err("no answer".to_owned()));
    assert_eq!(setting.has("before").await, None);
    setting.faults.set(Rule::new(Fault::ResetAfter).times(1));
    assert_eq!(setting.put("after", "content").await, Err("no answer".to_owned()));
    assert_eq!(setting.has("after").await, Some("content".to_owned()));
    setting.faults.set(Rule::new(Fault::AnswerAfter(Answer::INTERNAL_ERROR)).times(1));
    assert_eq!(setting.put("answered", "content").await, Err("500 InternalError".to_owned()));
    assert_eq!(setting.has("answered").await, Some("content".to_owned()));
    assert_eq!(setting.put("healed", "content").await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_truncated_and_corrupted() {
    let setting = Setting::new();
    setting.put("key", "0123456789").await.unwrap();
    setting.faults.set(Rule::new(Fault::Truncate(4)).kind(Kind::Get).times(1));
    let _told = setting.get("key").await.unwrap_err();
    setting.faults.set(Rule::new(Fault::Truncate(0)).kind(Kind::Get).times(1));
    let _told = setting.get("key").await.unwrap_err();
    setting.faults.set(Rule::new(Fault::Corrupt(4)).kind(Kind::Get).times(1));
    // Whether the client finds it out depends on its checksums.
    assert_ne!(setting.get("key").await, Ok("0123456789".to_owned()));
    assert_eq!(setting.get("key").await, Ok("0123456789".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn latency_and_bandwidth_take_their_time() {
    let setting = Setting::new();
    setting.faults.set(Rule::new(Fault::Latency(Duration::from_millis(200))).times(1));
    let begun = Instant::now();
    setting.put("key", "content").await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(200));
    setting.put("large", &"x".repeat(100_000)).await.unwrap();
    setting.faults.set(Rule::new(Fault::Bandwidth(200_000)).kind(Kind::Get));
    let begun = Instant::now();
    assert_eq!(setting.get("large").await.unwrap().len(), 100_000);
    assert!(begun.elapsed() >= Duration::from_millis(400), "{:?}", begun.elapsed());
    assert_eq!(setting.faults.counts().spoiled, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_takes_what_it_names() {
    let setting = Setting::new();
    let answer = || Rule::new(Fault::Answer(Answer::SLOW_DOWN));
    setting.faults.set(answer().method("PUT").path("/spoiled?x-id"));
    assert_eq!(setting.put("other", "content").await, Ok(()));
    assert!(setting.put("spoiled", "content").await.is_err());
    assert_eq!(setting.get("spoiled").await, Err("404 NoSuchKey".to_owned()));
    setting.faults.clear();
    setting.faults.set(answer().header("If-None-Match"));
    assert_eq!(setting.put("spoiled", "content").await, Ok(()));
    let put = setting.client.put_object().bucket(BUCKET).key("new").if_none_match("*");
    assert!(put.send().await.is_err());
    setting.faults.clear();
    setting.faults.set(answer().skip(2).times(2));
    let mut told = Vec::new();
    for _ in 0..6 {
        told.push(setting.put("key", "content").await.is_ok());
    }
    assert_eq!(told, [true, true, false, false, true, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_chooses_the_same() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let setting = Setting::new();
        setting.faults.set(Rule::new(Fault::Answer(Answer::INTERNAL_ERROR)).chance(0.5, 7));
        let mut told = Vec::new();
        for _ in 0..40 {
            told.push(setting.put("key", "content").await.is_ok());
        }
        runs.push(told);
    }
    let [first, second] = <[_; 2]>::try_from(runs).unwrap();
    assert_eq!(first, second);
    let passed = first.iter().filter(|passed| **passed).count();
    assert!((5..=35).contains(&passed), "{passed} of 40");
}
