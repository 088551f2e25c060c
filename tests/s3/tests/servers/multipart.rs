//! Uploads in parts.

use aws_sdk_s3::operation::complete_multipart_upload::builders::CompleteMultipartUploadFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

use crate::facts::{BUCKET, Facts, outcome};

const PART: usize = 5 << 20;

pub(crate) async fn all(facts: &mut Facts) {
    conditions(facts).await;
    parts(facts).await;
    part_copies(facts).await;
    uploads(facts).await;
}

/// An upload with parts of these lengths.
async fn upload(facts: &Facts, key: &str, lengths: &[usize]) -> (String, CompletedMultipartUpload) {
    let create = facts.client.create_multipart_upload().bucket(BUCKET).key(key).metadata("mode", "600");
    let id = create.send().await.unwrap().upload_id.unwrap();
    let mut parts = Vec::new();
    for (number, length) in (1..).zip(lengths) {
        let upload = facts.client.upload_part().bucket(BUCKET).key(key).upload_id(&id).part_number(number);
        let part = upload.body(ByteStream::from(vec![b'p'; *length])).send().await.unwrap();
        parts.push(CompletedPart::builder().part_number(number).set_e_tag(part.e_tag).build());
    }
    (id, CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
}

/// An upload with a small part, to be completed.
pub(crate) async fn complete(facts: &Facts, key: &str) -> CompleteMultipartUploadFluentBuilder {
    let (id, parts) = upload(facts, key, &[10]).await;
    facts.client.complete_multipart_upload().bucket(BUCKET).key(key).upload_id(id).multipart_upload(parts)
}

async fn conditions(facts: &mut Facts) {
    let new = complete(facts, "mp").await.if_none_match("*").send().await;
    let etag = new.as_ref().ok().and_then(|done| done.e_tag().map(str::to_owned)).unwrap_or_default();
    let refused = complete(facts, "mp").await.if_none_match("*");
    let there = outcome(&refused.clone().send().await);
    let retried = outcome(&refused.set_if_none_match(None).send().await);
    let etag_now = facts.put("mp", b"small").await;
    let wrong = outcome(&complete(facts, "mp").await.if_match(&etag).send().await);
    facts.put("mp", b"small").await;
    let right = complete(facts, "mp").await.if_match(&etag_now);
    let right_done = outcome(&right.clone().send().await);
    let twice = outcome(&right.clone().send().await);
    let twice_plain = outcome(&right.set_if_match(None).send().await);
    let absent = outcome(&complete(facts, "mp-absent").await.if_match(&etag).send().await);
    let head = facts.client.head_object().bucket(BUCKET).key("mp").send().await.unwrap();
    let mode = head.metadata().and_then(|metadata| metadata.get("mode").cloned());
    facts.note("COMPLETE If-None-Match: *, absent", outcome(&new));
    facts.note("COMPLETE If-None-Match: *, present", there);
    facts.note("COMPLETE refused, again without a condition", retried);
    facts.note("COMPLETE If-Match, right", right_done);
    facts.note("COMPLETE If-Match, wrong", wrong);
    facts.note("COMPLETE If-Match, absent", absent);
    facts.note("COMPLETE twice, If-Match", twice);
    facts.note("COMPLETE twice, no condition", twice_plain);
    facts.note("COMPLETE: metadata", mode.unwrap_or_default());
    facts.note("COMPLETE: the ETag ends with the number of parts", etag.ends_with("-1\"").to_string());
}

async fn parts(facts: &mut Facts) {
    let (id, parts) = upload(facts, "parts", &[PART, 100]).await;
    let whole = facts.client.complete_multipart_upload().bucket(BUCKET).key("parts").upload_id(id);
    let whole = outcome(&whole.multipart_upload(parts).send().await);
    let head = facts.client.head_object().bucket(BUCKET).key("parts").send().await.unwrap();
    facts.note("COMPLETE of 5 MiB + 100 bytes", format!("{whole} {}", head.content_length().unwrap_or_default()));
    let (id, parts) = upload(facts, "parts-small", &[100, 100]).await;
    let small = facts.client.complete_multipart_upload().bucket(BUCKET).key("parts-small").upload_id(id);
    facts.note("COMPLETE, a part too small", outcome(&small.multipart_upload(parts).send().await));
    let (id, _) = upload(facts, "parts-wrong", &[100]).await;
    let upload = facts.client.upload_part().bucket(BUCKET).key("parts-wrong").upload_id(&id).part_number(2);
    let wrong = upload.checksum_crc32("AAAAAA==").body(ByteStream::from_static(b"some")).send().await;
    facts.note("UploadPart with a wrong CRC32", outcome(&wrong));
    let etag = "\"00000000000000000000000000000000\"";
    let wrong = CompletedMultipartUpload::builder().parts(CompletedPart::builder().part_number(1).e_tag(etag).build());
    let wrong_etag = facts.client.complete_multipart_upload().bucket(BUCKET).key("parts-wrong").upload_id(&id);
    let wrong_etag = outcome(&wrong_etag.multipart_upload(wrong.build()).send().await);
    facts.note("COMPLETE, a part's ETag wrong", wrong_etag);
}

async fn part_copies(facts: &mut Facts) {
    let from = facts.put("part-from", b"0123456789").await;
    let (id, _) = upload(facts, "part-copy", &[]).await;
    let copy = || {
        let copy = facts.client.upload_part_copy().bucket(BUCKET).key("part-copy").upload_id(&id).part_number(1);
        copy.copy_source("facts/part-from").copy_source_range("bytes=2-5")
    };
    let wrong = outcome(&copy().copy_source_if_match("\"00000000000000000000000000000000\"").send().await);
    let copied = copy().copy_source_if_match(from).send().await;
    let done = outcome(&copied);
    let etag = copied.ok().and_then(|copied| copied.copy_part_result?.e_tag);
    let part = CompletedPart::builder().part_number(1).set_e_tag(etag).build();
    let complete = facts.client.complete_multipart_upload().bucket(BUCKET).key("part-copy").upload_id(&id);
    let complete = complete.multipart_upload(CompletedMultipartUpload::builder().parts(part).build()).send().await;
    facts.note("UploadPartCopy with a range", done);
    facts.note("UploadPartCopy x-amz-copy-source-if-match, wrong", wrong);
    let content = facts.get("part-copy").await;
    facts.note("UploadPartCopy: COMPLETE, GET", format!("{} {content}", outcome(&complete)));
}

async fn uploads(facts: &mut Facts) {
    let (id, _) = upload(facts, "uploads", &[100]).await;
    let listed = facts.client.list_multipart_uploads().bucket(BUCKET).prefix("uploads").send().await;
    let found =
        listed.as_ref().is_ok_and(|listed| listed.uploads().iter().any(|upload| upload.upload_id() == Some(&id)));
    let objects = facts.list("uploads", None).await;
    let parts = facts.client.list_parts().bucket(BUCKET).key("uploads").upload_id(&id).send().await;
    let sizes: Vec<_> = parts.iter().flat_map(|parts| parts.parts()).filter_map(|part| part.size()).collect();
    let abort = || facts.client.abort_multipart_upload().bucket(BUCKET).key("uploads").upload_id(&id).send();
    let (first, second) = (outcome(&abort().await), outcome(&abort().await));
    let part = facts.client.upload_part().bucket(BUCKET).key("uploads").upload_id(&id).part_number(2);
    let part = outcome(&part.body(ByteStream::from_static(b"some")).send().await);
    facts.note("ListMultipartUploads: found", found.to_string());
    facts.note("ListParts: sizes", format!("{sizes:?}"));
    facts.note("LIST, during an upload", objects);
    facts.note("ABORT", first);
    facts.note("ABORT twice", second);
    facts.note("UploadPart, aborted", part);
}
