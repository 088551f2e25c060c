//! Contents, metadata, ETags and checksums.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumMode, Delete, ObjectIdentifier};

use crate::facts::{BUCKET, Facts, outcome};

pub(crate) async fn all(facts: &mut Facts) {
    ranges(facts).await;
    metadata(facts).await;
    checksums(facts).await;
    delete_many(facts).await;
}

async fn ranges(facts: &mut Facts) {
    let etag = facts.put("range", b"0123456789").await;
    let get = |range: &str| facts.client.get_object().bucket(BUCKET).key("range").range(range).send();
    let middle = get("bytes=2-4").await.unwrap();
    let of = middle.content_range().unwrap_or_default().to_owned();
    let middle = String::from_utf8(middle.body.collect().await.unwrap().to_vec()).unwrap();
    let over = get("bytes=8-20").await.unwrap();
    let over = over.content_range().unwrap_or_default().to_owned();
    let beyond = outcome(&get("bytes=10-20").await);
    facts.put("empty", b"").await;
    let empty = facts.client.get_object().bucket(BUCKET).key("empty").range("bytes=0-9").send().await;
    let same = facts.put("range-too", b"0123456789").await;
    facts.note("GET Range", format!("{middle}, {of}"));
    facts.note("GET Range, over the end", over);
    facts.note("GET Range, at the end", beyond);
    facts.note("GET Range, of an empty object", outcome(&empty));
    facts.note("PUT: the ETag is the MD5", (etag == "\"781e5e245d69b566979b86e28d23f2c7\"").to_string());
    facts.note("PUT: the same content has the same ETag", (same == etag).to_string());
}

async fn metadata(facts: &mut Facts) {
    let put = |key: &str| facts.client.put_object().bucket(BUCKET).key(key);
    let put_it = put("metadata").metadata("Larder-Mode", "755").metadata("empty", "").content_type("a/b");
    let sent = outcome(&put_it.send().await);
    let head = facts.client.head_object().bucket(BUCKET).key("metadata").send().await.unwrap();
    let mut metadata: Vec<_> =
        head.metadata().into_iter().flatten().map(|(key, value)| format!("{key}={value}")).collect();
    metadata.sort();
    let kind = head.content_type().unwrap_or_default().to_owned();
    facts.put("metadata", b"").await;
    let head = facts.client.head_object().bucket(BUCKET).key("metadata").send().await.unwrap();
    let left = head.metadata().map_or(0, |metadata| metadata.len());
    let two = outcome(&put("metadata-2").metadata("much", "m".repeat(2000)).send().await);
    let eight = outcome(&put("metadata-8").metadata("much", "m".repeat(8000)).send().await);
    facts.note("PUT with metadata", format!("{sent}: {} {kind}", metadata.join(" ")));
    facts.note("PUT without metadata, over one with: metadata left", left.to_string());
    facts.note("PUT with 2,000 bytes of metadata", two);
    facts.note("PUT with 8,000 bytes of metadata", eight);
}

async fn checksums(facts: &mut Facts) {
    let put = |key: &str| facts.client.put_object().bucket(BUCKET).key(key);
    let wrong = put("checksum").checksum_crc32("AAAAAA==").body(ByteStream::from_static(b"some")).send().await;
    let wrong_md5 =
        put("md5").content_md5("AAAAAAAAAAAAAAAAAAAAAA==").body(ByteStream::from_static(b"some")).send().await;
    facts.put("checksum-right", b"some").await;
    let get = facts.client.get_object().bucket(BUCKET).key("checksum-right").checksum_mode(ChecksumMode::Enabled);
    let got = get.send().await.unwrap();
    let given = got.checksum_crc32().unwrap_or("none").to_owned();
    facts.note("PUT with a wrong CRC32", outcome(&wrong));
    facts.note("PUT with a wrong CRC32: the object is then", facts.get("checksum").await);
    facts.note("PUT with a wrong MD5", outcome(&wrong_md5));
    facts.note("GET with checksums: CRC32", given);
}

async fn delete_many(facts: &mut Facts) {
    facts.put("many-1", b"1").await;
    facts.put("many-2", b"2").await;
    let object = |key: &str, etag: Option<&str>| {
        ObjectIdentifier::builder().key(key).set_e_tag(etag.map(str::to_owned)).build().unwrap()
    };
    let wrong = "\"00000000000000000000000000000000\"";
    let objects = [object("many-1", None), object("many-2", Some(wrong)), object("many-absent", None)];
    let delete = Delete::builder().set_objects(Some(objects.to_vec())).build().unwrap();
    let deleted = facts.client.delete_objects().bucket(BUCKET).delete(delete).send().await;
    let result = match &deleted {
        Ok(deleted) => format!("{} deleted, {} errors", deleted.deleted().len(), deleted.errors().len()),
        Err(_) => outcome(&deleted),
    };
    facts.note("DeleteObjects: one, one with a wrong ETag, one absent", result);
    facts.note("DeleteObjects: left", facts.list("many-", None).await);
}
