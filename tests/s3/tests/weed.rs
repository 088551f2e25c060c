//! The life of SeaweedFS under test.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use larder_test_s3::{Access, Weed};

const BUCKET: &str = "life";

async fn put(access: &Access, key: &str) -> bool {
    let body = b"content".to_vec().into();
    access.client().put_object().bucket(BUCKET).key(key).body(body).send().await.is_ok()
}

async fn has(access: &Access, key: &str) -> bool {
    access.client().head_object().bucket(BUCKET).key(key).send().await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_outlives_a_crash() {
    let mut weed = Weed::start();
    let access = weed.access();
    access.make_bucket(BUCKET);
    for number in 0..50 {
        assert!(put(&access, &format!("crash-{number}")).await);
    }
    weed.kill();
    assert!(!put(&access, "dead").await);
    weed.start_again();
    for number in 0..50 {
        assert!(has(&access, &format!("crash-{number}")).await, "{number}");
    }
    assert!(put(&access, "again").await);
    assert!(weed.disk_usage() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_one_answers_nothing_until_it_resumes() {
    let weed = Weed::start();
    let access = weed.access();
    access.make_bucket(BUCKET);
    weed.pause();
    assert!(tokio::time::timeout(Duration::from_millis(500), put(&access, "paused")).await.is_err());
    weed.resume();
    assert!(put(&access, "resumed").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_room_for_many_buckets() {
    let access = Weed::shared().access();
    for number in 0..40 {
        let bucket = format!("many-{number}");
        access.make_bucket(&bucket);
        let put = access.client().put_object().bucket(&bucket).key("key").body(b"content".to_vec().into());
        put.send().await.unwrap();
    }
}

#[test]
#[ignore = "the process that the next test starts and looks at"]
fn leaves_one_in_a_static() {
    println!("store: {}", Weed::shared().path("").display());
}

#[test]
fn a_process_that_ends_leaves_no_store() {
    let arguments = ["--ignored", "--exact", "leaves_one_in_a_static", "--nocapture"];
    let output = Command::new(std::env::current_exe().unwrap()).args(arguments).output().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let store = output.split_once("store: ").and_then(|(_, rest)| rest.lines().next());
    let store = Path::new(store.unwrap());
    let begun = Instant::now();
    while store.exists() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{} is still there", store.display());
        std::thread::sleep(Duration::from_millis(50));
    }
}
