//! The network that a test can spoil, before the in-process server.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod connections;
mod counting;
mod spoiling;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use larder_test_s3::{Faults, S3sFs};

const BUCKET: &str = "faults";

/// A server, the network before it, and a client of each: through the network
/// and past it.
struct Setting {
    faults: Faults,
    client: Client,
    direct: Client,
    _server: S3sFs,
}

impl Setting {
    fn new() -> Self {
        let server = S3sFs::start();
        let access = server.access();
        access.make_bucket(BUCKET);
        let faults = Faults::to(&access.endpoint);
        let client = access.through(faults.endpoint()).client();
        Self { client, direct: access.client(), faults, _server: server }
    }

    /// The status and the code of the error, if one came.
    async fn put(&self, key: &str, content: &str) -> Result<(), String> {
        let body = content.as_bytes().to_vec().into();
        told(self.client.put_object().bucket(BUCKET).key(key).body(body).send().await).map(drop)
    }

    /// The content, or why it did not come.
    async fn get(&self, key: &str) -> Result<String, String> {
        let got = told(self.client.get_object().bucket(BUCKET).key(key).send().await)?;
        let bytes = got.body.collect().await.map_err(|error| error.to_string())?;
        Ok(String::from_utf8(bytes.to_vec()).unwrap())
    }

    /// What the server has.
    async fn has(&self, key: &str) -> Option<String> {
        let got = self.direct.get_object().bucket(BUCKET).key(key).send().await.ok()?;
        Some(String::from_utf8(got.body.collect().await.unwrap().to_vec()).unwrap())
    }
}

fn told<T, E: ProvideErrorMetadata>(result: Result<T, SdkError<E, HttpResponse>>) -> Result<T, String> {
    result.map_err(|error| match error.raw_response() {
        Some(answer) => format!("{} {}", answer.status().as_u16(), error.code().unwrap_or_default()),
        None => "no answer".to_owned(),
    })
}
