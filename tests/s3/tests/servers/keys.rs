//! Which keys there can be.

use aws_sdk_s3::types::EncodingType;
use percent_encoding::percent_decode_str;

use crate::facts::{BUCKET, Facts, outcome};

pub(crate) async fn all(facts: &mut Facts) {
    file_and_directory(facts).await;
    markers(facts).await;
    names(facts).await;
}

async fn file_and_directory(facts: &mut Facts) {
    facts.put("both/a", b"file").await;
    let put = |key: &str| facts.client.put_object().bucket(BUCKET).key(key);
    let below = outcome(&put("both/a/b").body(b"below".to_vec().into()).send().await);
    let above = format!("{} {}", facts.get("both/a").await, facts.get("both/a/b").await);
    let listed = facts.list("both/", None).await;
    facts.put("other/a/b", b"below").await;
    let over = outcome(&put("other/a").body(b"file".to_vec().into()).send().await);
    let reads = format!("{} {}", facts.get("other/a").await, facts.get("other/a/b").await);
    facts.note("PUT a/b beside a", below);
    facts.note("a, a/b, in this order: GET", above);
    facts.note("a, a/b, in this order: LIST", listed);
    facts.note("PUT a beside a/b", over);
    facts.note("a/b, a, in this order: GET", reads);
    facts.note("a/b, a, in this order: LIST", facts.list("other/", None).await);
    facts.put("third/a/b", b"below").await;
    facts.note("HEAD a, where a/b is", outcome(&facts.client.head_object().bucket(BUCKET).key("third/a").send().await));
    facts.note(
        "HEAD a/, where a/b is",
        outcome(&facts.client.head_object().bucket(BUCKET).key("third/a/").send().await),
    );
    facts.client.delete_object().bucket(BUCKET).key("third/a").send().await.unwrap();
    facts.note("DELETE a, where a/b is: a/b is then", facts.get("third/a/b").await);
    facts.client.delete_object().bucket(BUCKET).key("third/a/b").send().await.unwrap();
    facts.note("DELETE a/b, the last: LIST /", facts.list("third/", Some("/")).await);
}

async fn markers(facts: &mut Facts) {
    let put = |key: &str| facts.client.put_object().bucket(BUCKET).key(key);
    let made = outcome(&put("mark/d/").metadata("mode", "700").if_none_match("*").send().await);
    let again = outcome(&put("mark/d/").metadata("mode", "750").if_none_match("*").send().await);
    let head = facts.client.head_object().bucket(BUCKET).key("mark/d/").send().await;
    let mode = head.as_ref().ok().and_then(|head| head.metadata()?.get("mode").cloned());
    let etag = head.as_ref().ok().and_then(|head| head.e_tag().map(str::to_owned));
    let got = facts.client.get_object().bucket(BUCKET).key("mark/d/").send().await;
    let got = got.as_ref().ok().and_then(|got| got.metadata()?.get("mode").cloned()).unwrap_or_default();
    let matched = put("mark/d/").metadata("mode", "711").set_if_match(etag.clone()).send().await;
    let plain = outcome(&facts.client.head_object().bucket(BUCKET).key("mark/d").send().await);
    let listed = facts.list("mark/", None).await;
    let grouped = facts.list("mark/", Some("/")).await;
    let own = facts.list("mark/d/", Some("/")).await;
    facts.note("PUT d/ If-None-Match: *, absent", made);
    facts.note("PUT d/ If-None-Match: *, present", again);
    facts.note("HEAD d/: ETag, metadata", format!("{} {}", etag.unwrap_or_default(), mode.unwrap_or_default()));
    facts.note("GET d/: metadata", got);
    facts.note("PUT d/ If-Match, right", outcome(&matched));
    facts.note("HEAD d, where d/ is", plain);
    facts.note("LIST, where d/ is", listed);
    facts.note("LIST /, where d/ is", grouped);
    facts.note("LIST / of d/", own);
    facts.put("mark/d/f", b"f").await;
    let head = facts.client.head_object().bucket(BUCKET).key("mark/d/").send().await;
    let mode = head.as_ref().ok().and_then(|head| head.metadata()?.get("mode").cloned());
    facts.note("HEAD d/, after PUT d/f: metadata", mode.unwrap_or_else(|| outcome(&head)));
    facts.client.delete_object().bucket(BUCKET).key("mark/d/f").send().await.unwrap();
    facts.note("LIST, after DELETE d/f", facts.list("mark/", None).await);
    facts.client.delete_object().bucket(BUCKET).key("mark/d/").send().await.unwrap();
    facts.note("LIST, after DELETE d/", facts.list("mark/", None).await);
    let content =
        outcome(&facts.client.put_object().bucket(BUCKET).key("mark/c/").body(b"content".to_vec().into()).send().await);
    facts.note("PUT c/ with content, GET", format!("{content} {}", facts.get("mark/c/").await));
    facts.put("mark/e/", b"").await;
    facts.put("mark/e/f", b"f").await;
    facts.client.delete_object().bucket(BUCKET).key("mark/e/").send().await.unwrap();
    facts.note("DELETE e/, where e/f is: LIST", facts.list("mark/e", None).await);
}

/// How a key comes back in a list, plain and encoded.
async fn listed(facts: &Facts, key: &str) -> &'static str {
    let prefix = key.split_inclusive('/').next().unwrap();
    let list = || facts.client.list_objects_v2().bucket(BUCKET).prefix(prefix);
    let plain = list().send().await;
    let plain = plain.as_ref().is_ok_and(|list| list.contents().iter().any(|object| object.key() == Some(key)));
    let encoded = list().encoding_type(EncodingType::Url).send().await.unwrap();
    let keys = encoded.contents().iter().filter_map(|object| object.key());
    let mut keys = keys.map(|key| percent_decode_str(&key.replace('+', " ")).decode_utf8().unwrap().into_owned());
    match (plain, keys.any(|listed| listed == key)) {
        (true, true) => "",
        (false, true) => ", listed encoded alone",
        _ => ", not listed",
    }
}

/// Whether a key can be put and comes back in a list as it was.
async fn names(facts: &mut Facts) {
    let long = format!("names/{}", "n".repeat(255));
    let longer = format!("names/{}", "n".repeat(600));
    let longest = format!("names/{}", "dir/".repeat(254)) + "12";
    let names = [
        ("key: space, plus, percent", "names/a b+c%20d".to_owned()),
        ("key: é, 日本", "names/é日本".to_owned()),
        ("key: decomposed é", "names/e\u{301}".to_owned()),
        ("key: U+0001", "names/\u{1}".to_owned()),
        ("key: newline", "names/a\nb".to_owned()),
        ("key: backslash", "names/a\\b".to_owned()),
        ("key: ? # & = \" < >", "names/?#&=\"<>".to_owned()),
        ("key: ends with a dot", "names/a.".to_owned()),
        ("key: a//b", "names/a//b".to_owned()),
        ("key: begins with /", "/names".to_owned()),
        ("key: a/./b", "names/a/./b".to_owned()),
        ("key: a/../b", "names/a/../b".to_owned()),
        ("key: upper and lower case", "names/UPPER".to_owned()),
        ("key: a name of 255 bytes", long),
        ("key: a name of 600 bytes", longer),
        ("key: 1,024 bytes", longest),
    ];
    for (fact, key) in names {
        let put = facts.client.put_object().bucket(BUCKET).key(&key).body(b"content".to_vec().into()).send().await;
        let mut found = outcome(&put);
        if put.is_ok() {
            found = facts.get(&key).await.replace("content", "ok");
            found += listed(facts, &key).await;
        }
        facts.client.delete_object().bucket(BUCKET).key(&key).send().await.ok();
        facts.note(fact, found);
    }
}
