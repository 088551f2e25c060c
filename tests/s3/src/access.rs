//! How a server is reached, and buckets on it.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::DisplayErrorContext;

/// The user of both servers.
pub(crate) const ACCESS_KEY: &str = "larder";
pub(crate) const SECRET_KEY: &str = "larder-secret";
const REGION: &str = "us-east-1";

/// Where a server is and who uses it.
#[derive(Clone, Debug)]
pub struct Access {
    /// `http://127.0.0.1:…`.
    pub endpoint: String,
    /// The user.
    pub access_key: String,
    /// The user's secret.
    pub secret_key: String,
    /// What requests are signed for.
    pub region: String,
}

impl Access {
    /// Of a server of this crate, with the user who may do everything.
    pub(crate) fn local(port: u16) -> Self {
        Self {
            endpoint: format!("http://127.0.0.1:{port}"),
            access_key: ACCESS_KEY.to_owned(),
            secret_key: SECRET_KEY.to_owned(),
            region: REGION.to_owned(),
        }
    }

    /// The same server through another address, such as
    /// [`Faults`](crate::Faults).
    #[must_use]
    pub fn through(&self, endpoint: String) -> Self {
        Self { endpoint, ..self.clone() }
    }

    /// Amazon's own client, without retries.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client_over(aws_smithy_http_client::Builder::new())
    }

    /// The same with a connection for each request. One that is used again may
    /// be reset under load, which a client without retries cannot tell from an
    /// answer.
    #[must_use]
    pub fn client_of_new_connections(&self) -> Client {
        self.client_over(aws_smithy_http_client::Builder::new().pool_max_idle_per_host(0))
    }

    fn client_over(&self, connections: aws_smithy_http_client::Builder) -> Client {
        let credentials = Credentials::new(&self.access_key, &self.secret_key, None, None, "test");
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(credentials)
            .endpoint_url(&self.endpoint)
            .force_path_style(true)
            .http_client(connections.build_http())
            .region(Region::new(self.region.clone()))
            .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
            .build();
        Client::from_conf(config)
    }

    /// Makes a bucket. It may be called in an async test as well.
    ///
    /// # Panics
    /// Where the server refuses.
    pub fn make_bucket(&self, name: &str) {
        let access = self.clone();
        let name = name.to_owned();
        // A runtime of its own does not start inside another's thread.
        let made = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let made = runtime.block_on(access.client().create_bucket().bucket(&name).send());
            made.map_err(|error| DisplayErrorContext(error).to_string())
        });
        if let Err(error) = made.join().unwrap() {
            panic!("{error}");
        }
    }
}
