//! Listings, on both servers.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;

use bytes::Bytes;
use common::{Place, places};
use larder_bucket::{Condition, Metadata};

async fn put(place: &Place, key: &str) {
    let put = place.bucket.put(key, Bytes::from("1"), &Metadata::new(), &Condition::Always).await;
    assert!(put.is_ok(), "{} {key:?} {put:?}", place.server);
}

/// All pages: the keys and the prefixes.
async fn all(place: &Place, prefix: &str, delimiter: bool) -> (Vec<String>, Vec<String>) {
    let (mut keys, mut prefixes, mut token) = (Vec::new(), Vec::new(), None::<String>);
    loop {
        let page = place.bucket.list(prefix, delimiter, None, token.as_deref()).await.unwrap();
        assert!(page.objects.len() + page.prefixes.len() <= 1000);
        keys.extend(page.objects.into_iter().map(|object| object.key));
        prefixes.extend(page.prefixes);
        match page.next {
            Some(next) => token = Some(next),
            None => return (keys, prefixes),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_all_kinds_are_told_as_they_are() {
    let names = [
        "l/a b",
        "l/a+b",
        "l/a%20b",
        "l/ü",
        "l/\u{1F980}",
        "l/a&b",
        "l/a<b",
        "l/x\u{1}y",
        "l/x\ry",
        "l/tab\ty",
        "l/q'\"",
        "l/sub/one",
        "l/sub/two words",
        "l/dir/",
        "l/=?UTF-8?Q?x?=",
        "l/a;b=c",
    ];
    for place in places().await {
        for name in names {
            put(&place, name).await;
        }
        let (keys, prefixes) = all(&place, "l/", false).await;
        let told: BTreeSet<_> = keys.iter().map(String::as_str).collect();
        assert_eq!(told, BTreeSet::from(names), "{}", place.server);
        assert!(prefixes.is_empty());
        let (keys, prefixes) = all(&place, "l/", true).await;
        assert_eq!(keys.len(), names.len() - 3, "{}", place.server);
        assert_eq!(BTreeSet::from_iter(prefixes), ["l/sub/".to_owned(), "l/dir/".to_owned()].into());
        let (keys, _) = all(&place, "l/sub/two ", false).await;
        assert_eq!(keys, ["l/sub/two words"], "{}", place.server);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_on_where_they_ended() {
    for place in places().await {
        let place = &place;
        let names: BTreeSet<_> = (0..1200).map(|number| format!("many/n {number:04}")).collect();
        let mut tasks = tokio::task::JoinSet::new();
        for name in names.clone() {
            let bucket = place.bucket.clone();
            tasks.spawn(
                async move { bucket.put(&name, Bytes::new(), &Metadata::new(), &Condition::Always).await.unwrap() },
            );
        }
        tasks.join_all().await;
        for delimiter in [false, true] {
            let (keys, _) = all(place, "many/", delimiter).await;
            assert_eq!(keys.len(), 1200, "{}", place.server);
            assert_eq!(BTreeSet::from_iter(keys), names, "{}", place.server);
        }
        let page = place.bucket.list("many/", true, Some("many/n 1197"), None).await.unwrap();
        let keys: Vec<_> = page.objects.iter().map(|object| object.key.as_str()).collect();
        assert_eq!(keys, ["many/n 1198", "many/n 1199"], "{}", place.server);
        let head = place.bucket.head("many/n 1199").await.unwrap().unwrap();
        assert_eq!(page.objects[1].etag, head.etag, "{}", place.server);
        assert_eq!(page.objects[1].modified.0, head.modified.0, "{}", place.server);
    }
}

/// What a volume has to know of SeaweedFS: these keys are others there.
#[tokio::test(flavor = "multi_thread")]
async fn seaweedfs_changes_some_names() {
    let [place, _] = places().await;
    put(&place, "c/back\\slash").await;
    put(&place, "c//double").await;
    let (keys, _) = all(&place, "c/", false).await;
    assert_eq!(keys, ["c/back/slash", "c/double"]);
}
