//! `If-Match` and `If-None-Match`.

use aws_sdk_s3::types::MetadataDirective;

use crate::facts::{BUCKET, Facts, outcome};

const WRONG: &str = "\"00000000000000000000000000000000\"";

pub(crate) async fn put(facts: &mut Facts) {
    let put = |key: &str| facts.client.put_object().bucket(BUCKET).key(key);
    let new = outcome(&put("put").if_none_match("*").send().await);
    let there = outcome(&put("put").if_none_match("*").send().await);
    let etag = facts.put("put", b"one").await;
    let wrong = outcome(&put("put").if_match(WRONG).send().await);
    let right = outcome(&put("put").if_match(&etag).send().await);
    let again = outcome(&put("put").if_match(&etag).send().await);
    let absent = outcome(&put("put-absent").if_match(&etag).send().await);
    facts.note("PUT If-None-Match: *, absent", new);
    facts.note("PUT If-None-Match: *, present", there);
    facts.note("PUT If-Match, right", right);
    facts.note("PUT If-Match, replaced since", again);
    facts.note("PUT If-Match, wrong", wrong);
    facts.note("PUT If-Match, absent", absent);
}

pub(crate) async fn copy(facts: &mut Facts) {
    let from = facts.put("copy-from", b"from").await;
    let to = facts.put("copy-to", b"to").await;
    let copy = |key: &str| facts.client.copy_object().bucket(BUCKET).key(key).copy_source("facts/copy-from");
    let wrong_source = outcome(&copy("copy-to").copy_source_if_match(WRONG).send().await);
    let none_source = outcome(&copy("copy-to").copy_source_if_none_match(&from).send().await);
    let there = outcome(&copy("copy-to").if_none_match("*").send().await);
    let kept = facts.get("copy-to").await;
    facts.put("copy-to", b"to").await;
    let wrong = outcome(&copy("copy-to").if_match(WRONG).send().await);
    facts.put("copy-to", b"to").await;
    let absent = outcome(&copy("copy-absent").if_match(&to).send().await);
    let right = outcome(&copy("copy-to").if_match(&to).send().await);
    let new = outcome(&copy("copy-new").if_none_match("*").send().await);
    let right_source = outcome(&copy("copy-to").copy_source_if_match(&from).send().await);
    let same = outcome(&copy("copy-from").send().await);
    let replaced = copy("copy-from").metadata("new", "yes").metadata_directive(MetadataDirective::Replace);
    let replaced = outcome(&replaced.copy_source_if_match(&from).if_match(&from).send().await);
    let after = facts.client.head_object().bucket(BUCKET).key("copy-from").send().await.unwrap();
    let kept_etag = after.e_tag() == Some(&from);
    let metadata = after.metadata().and_then(|metadata| metadata.get("new")).is_some();
    facts.note("COPY x-amz-copy-source-if-match, right", right_source);
    facts.note("COPY x-amz-copy-source-if-match, wrong", wrong_source);
    facts.note("COPY x-amz-copy-source-if-none-match, same", none_source);
    facts.note("COPY If-None-Match: *, absent", new);
    facts.note("COPY If-None-Match: *, present", there);
    facts.note("COPY If-None-Match: *, present: the target is then", kept);
    facts.note("COPY If-Match, right", right);
    facts.note("COPY If-Match, wrong", wrong);
    facts.note("COPY If-Match, absent", absent);
    facts.note("COPY onto itself, nothing changed", same);
    facts.note("COPY onto itself, REPLACE metadata", replaced);
    facts.note("COPY onto itself: metadata, ETag kept", format!("{metadata} {kept_etag}"));
}

pub(crate) async fn delete(facts: &mut Facts) {
    let etag = facts.put("delete", b"one").await;
    let delete = |key: &str| facts.client.delete_object().bucket(BUCKET).key(key);
    let wrong = outcome(&delete("delete").if_match(WRONG).send().await);
    let kept = facts.get("delete").await;
    facts.put("delete", b"one").await;
    let right = outcome(&delete("delete").if_match(&etag).send().await);
    let gone = facts.get("delete").await;
    let absent = outcome(&delete("delete").if_match(&etag).send().await);
    let twice = outcome(&delete("delete").send().await);
    facts.note("DELETE If-Match, right", right);
    facts.note("DELETE If-Match, wrong", wrong);
    facts.note("DELETE If-Match, wrong: the object is then", kept);
    facts.note("DELETE If-Match, absent", absent);
    facts.note("DELETE, absent", twice);
    facts.note("GET, deleted", gone);
}

pub(crate) async fn read(facts: &mut Facts) {
    let etag = facts.put("read", b"0123456789").await;
    let get = || facts.client.get_object().bucket(BUCKET).key("read");
    let head = || facts.client.head_object().bucket(BUCKET).key("read");
    let found = [
        ("GET If-Match, right", outcome(&get().if_match(&etag).send().await)),
        ("GET If-Match, wrong", outcome(&get().if_match(WRONG).send().await)),
        ("GET If-Match and Range, wrong", outcome(&get().if_match(WRONG).range("bytes=1-2").send().await)),
        ("GET If-None-Match, same", outcome(&get().if_none_match(&etag).send().await)),
        ("HEAD If-Match, wrong", outcome(&head().if_match(WRONG).send().await)),
        ("HEAD If-None-Match, same", outcome(&head().if_none_match(&etag).send().await)),
        ("HEAD, absent", outcome(&facts.client.head_object().bucket(BUCKET).key("none").send().await)),
        ("GET, no such bucket", outcome(&facts.client.get_object().bucket("none").key("none").send().await)),
    ];
    for (name, found) in found {
        facts.note(name, found);
    }
}
