//! What was found out.

use std::collections::BTreeMap;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use larder_test_s3::Access;

use crate::table::{ROWS, Row};

pub(crate) const BUCKET: &str = "facts";

pub(crate) struct Facts {
    pub(crate) client: Client,
    found: BTreeMap<&'static str, String>,
}

impl Facts {
    pub(crate) fn new(access: &Access) -> Self {
        access.make_bucket(BUCKET);
        Self { client: access.client_of_new_connections(), found: BTreeMap::new() }
    }

    pub(crate) fn note(&mut self, name: &'static str, found: impl Into<String>) {
        let before = self.found.insert(name, found.into());
        assert!(before.is_none(), "{name} twice");
    }

    /// Puts a small object; its ETag.
    pub(crate) async fn put(&self, key: &str, content: &'static [u8]) -> String {
        let put = self.client.put_object().bucket(BUCKET).key(key);
        put.body(ByteStream::from_static(content)).send().await.unwrap().e_tag.unwrap()
    }

    /// The content, or the error.
    pub(crate) async fn get(&self, key: &str) -> String {
        match self.client.get_object().bucket(BUCKET).key(key).send().await {
            Ok(got) => String::from_utf8(got.body.collect().await.unwrap().to_vec()).unwrap(),
            Err(error) => outcome::<(), _>(&Err(error)),
        }
    }

    /// The keys and common prefixes below a prefix.
    pub(crate) async fn list(&self, prefix: &str, delimiter: Option<&str>) -> String {
        let list = self.client.list_objects_v2().bucket(BUCKET).prefix(prefix);
        let listed = list.set_delimiter(delimiter.map(str::to_owned)).send().await.unwrap();
        let keys = listed.contents().iter().filter_map(|object| object.key());
        let prefixes = listed.common_prefixes().iter().filter_map(|common| common.prefix());
        let all: Vec<_> = keys.map(str::to_owned).chain(prefixes.map(|common| format!("({common})"))).collect();
        all.join(" ")
    }

    /// Against the table. All differences are shown at once.
    pub(crate) fn assert(self, expected: impl Fn(&Row) -> &'static str) {
        let mut wrong = Vec::new();
        for (name, found) in &self.found {
            match ROWS.iter().find(|row| row.name == *name) {
                Some(row) if expected(row) == found => {}
                row => wrong.push(format!("{name}: found {found:?}, expected {:?}", row.map(&expected))),
            }
        }
        let missing = ROWS.iter().filter(|row| !self.found.contains_key(row.name));
        wrong.extend(missing.map(|row| format!("{}: not found out", row.name)));
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }
}

/// `ok`, or the status and the error's code.
pub(crate) fn outcome<T, E: ProvideErrorMetadata + std::fmt::Debug>(
    result: &Result<T, SdkError<E, HttpResponse>>,
) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(error) => {
            let status = error.raw_response().map(|response| response.status().as_u16());
            let status = status.map_or_else(|| format!("{error:?}"), |status| status.to_string());
            format!("{status} {}", error.code().unwrap_or_default()).trim().to_owned()
        }
    }
}
