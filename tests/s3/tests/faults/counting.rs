//! What passes unspoiled, and how it is counted.

use larder_test_s3::Kind;

use super::{BUCKET, Setting};

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_passes_and_is_counted() {
    let setting = Setting::new();
    let client = &setting.client;
    setting.put("a b/é+%", "content").await.unwrap();
    assert_eq!(setting.get("a b/é+%").await.unwrap(), "content");
    client.head_object().bucket(BUCKET).key("a b/é+%").send().await.unwrap();
    let source = format!("{BUCKET}/a%20b/%C3%A9%2B%25");
    client.copy_object().bucket(BUCKET).key("copy").copy_source(source).send().await.unwrap();
    client.list_objects_v2().bucket(BUCKET).send().await.unwrap();
    client.delete_object().bucket(BUCKET).key("copy").send().await.unwrap();
    client.head_bucket().bucket(BUCKET).send().await.unwrap();
    let upload = client.create_multipart_upload().bucket(BUCKET).key("parts").send().await.unwrap();
    let id = upload.upload_id().unwrap();
    let part = client.upload_part().bucket(BUCKET).key("parts").upload_id(id).part_number(1);
    part.body(b"part".to_vec().into()).send().await.unwrap();
    client.abort_multipart_upload().bucket(BUCKET).key("parts").upload_id(id).send().await.unwrap();
    let counts = setting.faults.take_counts();
    for kind in [Kind::Put, Kind::Get, Kind::Head, Kind::Copy, Kind::List, Kind::Delete, Kind::Bucket] {
        assert_eq!(counts.of(kind), 1, "{kind:?}");
    }
    for kind in [Kind::CreateMultipart, Kind::UploadPart, Kind::AbortMultipart] {
        assert_eq!(counts.of(kind), 1, "{kind:?}");
    }
    assert_eq!((counts.multipart(), counts.total(), counts.method("PUT"), counts.spoiled), (3, 10, 3, 0));
    assert_eq!(setting.faults.counts().total(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_pass_both_ways() {
    let setting = Setting::new();
    let content: String =
        (0..3_000_000_u32).map(|number| char::from(b'a' + u8::try_from(number % 23).unwrap())).collect();
    setting.put("large", &content).await.unwrap();
    assert_eq!(setting.get("large").await.unwrap(), content);
    let counts = setting.faults.counts();
    assert!(counts.sent >= 3_000_000 && counts.received >= 3_000_000, "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_pass() {
    let setting = std::sync::Arc::new(Setting::new());
    let puts: Vec<_> = (0..64)
        .map(|number| {
            let setting = std::sync::Arc::clone(&setting);
            tokio::spawn(async move { setting.put(&format!("many-{number}"), "content").await })
        })
        .collect();
    for put in puts {
        put.await.unwrap().unwrap();
    }
    assert_eq!(setting.faults.counts().of(Kind::Put), 64);
}
