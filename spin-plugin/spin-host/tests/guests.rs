//! Components made with spin-sdk 5 and 7 (`tests/guests/spin-{5,7}-api`), which
//! call every function and answer `ok` or what was wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::sync::Arc;

use support::{App, Stores};

/// What both versions answer to.
const COMMON: [&str; 6] = ["variables", "values", "keys", "stores", "refused", "tables"];

async fn check(app: &App, stores: &Stores, tests: &[&str]) {
    for test in tests {
        assert_eq!(app.get(stores, test).await, "ok", "{test}");
        assert_eq!(stores.left_over(), [""; 0], "{test}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spin_sdk_7_calls_all_of_its_interfaces() {
    let app = App::load("spin-7-api", true);
    check(&app, &Stores::new(), &COMMON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spin_sdk_5_and_the_drafts_of_wasi_call_all_of_theirs() {
    for with_async in [false, true] {
        let app = App::load("spin-5-api", with_async);
        check(&app, &Stores::new(), &COMMON).await;
        check(&app, &Stores::new(), &["config", "buckets", "batches", "swaps"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_count_together() {
    const INSTANCES: usize = 8;
    let app = App::load("spin-5-api", false);
    let (app, stores) = (Arc::new(app), Stores::new());
    let counting: Vec<_> = (0..INSTANCES)
        .map(|_| {
            let (app, stores) = (Arc::clone(&app), stores.clone());
            tokio::spawn(async move { app.get(&stores, "increment").await })
        })
        .collect();
    for instance in counting {
        assert_eq!(instance.await.unwrap(), "ok");
    }
    assert_eq!(stores.default.increment("counter", 0).unwrap(), i64::try_from(INSTANCES).unwrap() * 100);
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?}", Stores::new().context());
    assert!(shown.contains("greeting") && !shown.contains("hello"), "{shown}");
}
