//! Lists.

use aws_sdk_s3::types::EncodingType;

use crate::facts::{BUCKET, Facts, outcome};

pub(crate) async fn all(facts: &mut Facts) {
    for key in ["l/a!", "l/a", "l/a-b", "l/a/b", "l/a/c", "l/b/c", "l/c", "l/Z", "l/é"] {
        facts.put(key, b"1").await;
    }
    facts.note("LIST: order", facts.list("l/", None).await);
    facts.note("LIST /", facts.list("l/", Some("/")).await);
    facts.note("LIST, a prefix that is no directory", facts.list("l/a", Some("/")).await);
    let list = || facts.client.list_objects_v2().bucket(BUCKET).prefix("l/");
    let after = list().start_after("l/a-b").send().await.unwrap();
    let after: Vec<_> = after.contents().iter().filter_map(|object| object.key()).collect();
    let after = after.join(" ");
    let inside = list().start_after("l/a/b").delimiter("/").send().await.unwrap();
    let inside: Vec<_> = inside.common_prefixes().iter().filter_map(|common| common.prefix()).collect();
    let inside = inside.join(" ");
    let etag = list().send().await.unwrap().contents().iter().all(|object| object.e_tag().is_some());
    facts.note("LIST start-after", after);
    facts.note("LIST / start-after within a common prefix", inside);
    facts.note("LIST: with ETags", etag.to_string());
    pages(facts).await;
    encoding(facts).await;
    let absent = facts.client.list_objects_v2().bucket("none-such").send().await;
    facts.note("LIST, no such bucket", outcome(&absent));
}

async fn pages(facts: &mut Facts) {
    for (fact, delimiter) in [("LIST in pages of 2", None), ("LIST / in pages of 2", Some("/"))] {
        let (mut token, mut all, mut sizes) = (None, Vec::new(), Vec::new());
        loop {
            let list = facts.client.list_objects_v2().bucket(BUCKET).prefix("l/").max_keys(2);
            let list = list.set_delimiter(delimiter.map(str::to_owned)).set_continuation_token(token);
            let page = list.send().await.unwrap();
            sizes.push((page.contents().len() + page.common_prefixes().len()).to_string());
            all.extend(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
            all.extend(page.common_prefixes().iter().filter_map(|common| common.prefix().map(str::to_owned)));
            token = page.next_continuation_token().map(str::to_owned);
            if token.is_none() || sizes.len() > 20 {
                break;
            }
        }
        facts.note(fact, format!("{}: {}", sizes.join("+"), all.join(" ")));
    }
}

async fn encoding(facts: &mut Facts) {
    facts.put("enc/a b+c%é/d*e~", b"1").await;
    let list = facts.client.list_objects_v2().bucket(BUCKET).encoding_type(EncodingType::Url);
    let listed = list.prefix("enc/").send().await.unwrap();
    let keys: Vec<_> = listed.contents().iter().filter_map(|object| object.key()).collect();
    facts.note("LIST encoding-type=url", keys.join(" "));
}
