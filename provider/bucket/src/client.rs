//! The bucket and its connection.

use std::sync::Arc;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{
    Credentials, RequestChecksumCalculation, ResponseChecksumValidation, StalledStreamProtectionConfig,
};
use aws_types::service_config::ServiceConfigKey;

use crate::LONGEST_KEY;
use crate::counts::{Counters, Operation, RequestCounts};
use crate::error::BucketError;
use crate::failure::Failure;
use crate::http;
use crate::options::BucketOptions;

/// The region where none is configured: the one that servers other than AWS
/// take for any.
const ANY_REGION: &str = "us-east-1";

/// A bucket. Clones share connections and counters.
///
/// Connections live on the runtime that a call runs on; use one bucket from
/// one runtime.
#[derive(Clone)]
pub struct Bucket(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) client: Client,
    pub(crate) options: BucketOptions,
    /// Where it is, for messages.
    pub(crate) place: String,
    /// Whether signatures cover bodies.
    pub(crate) sign_payloads: bool,
    pub(crate) counters: Counters,
}

impl Bucket {
    /// Takes the configuration together. Contacts nobody: what is wrong with
    /// the bucket, the endpoint or the credentials shows with
    /// [`check`](Self::check).
    ///
    /// # Errors
    ///
    /// [`Invalid`](crate::BucketErrorKind::Invalid): an option makes no sense,
    /// or a file that one names cannot be read.
    pub async fn connect(options: BucketOptions) -> Result<Self, BucketError> {
        sensible(&options)?;
        let sdk = environment(&options).await?;
        let endpoint = endpoint(&sdk);
        let in_the_open = endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http:"));
        let sign_payloads = options.sign_payloads.unwrap_or(in_the_open);
        let place = endpoint.clone().unwrap_or_else(|| "AWS".to_owned());
        let config = aws_sdk_s3::config::Builder::from(&sdk)
            .force_path_style(options.path_style.unwrap_or(endpoint.is_some()))
            // Attempts, their time and their checksums are this crate's.
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .interceptor(http::SkipForeignHeaders)
            .build();
        let client = Client::from_conf(config);
        let counters = Counters::default();
        Ok(Self(Arc::new(Shared { client, options, place, sign_payloads, counters })))
    }

    /// Whether the bucket is there and the keys that begin with `prefix` may
    /// be listed (a ListObjectsV2 of one key, whose errors say more than
    /// HeadBucket's, which have no body).
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::BucketErrorKind::NotFound),
    /// [`Denied`](crate::BucketErrorKind::Denied) and
    /// [`Unavailable`](crate::BucketErrorKind::Unavailable), with a message for
    /// whoever configured it.
    pub async fn check(&self, prefix: &str) -> Result<(), BucketError> {
        self.call(Operation::ListObjectsV2, prefix, 0, || async {
            let request = self.0.client.list_objects_v2().bucket(self.name());
            request.prefix(prefix).max_keys(1).send().await?;
            Ok::<_, Failure>(())
        })
        .await
    }

    /// What was asked of the bucket so far.
    #[must_use]
    pub fn requests(&self) -> RequestCounts {
        self.0.counters.read()
    }

    /// The bucket's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.options.bucket
    }
}

/// Refuses options that can never work.
fn sensible(options: &BucketOptions) -> Result<(), BucketError> {
    let refused = |what: &str| Err(BucketError::invalid(what.to_owned()));
    if options.bucket.is_empty() || options.bucket.contains('/') {
        return refused("the bucket's name is empty or contains a '/'");
    }
    if options.attempts == 0 {
        return refused("a call needs at least one attempt");
    }
    if options.request_timeout.is_zero() || options.connect_timeout.is_zero() {
        return refused("a time-out of nothing lets nothing happen");
    }
    let url = |url: &String| url.starts_with("http://") || url.starts_with("https://");
    match &options.endpoint {
        Some(endpoint) if !url(endpoint) => {
            refused(&format!("the endpoint {endpoint:?} is not an http:// or https:// URL"))
        }
        _ => Ok(()),
    }
}

/// What the environment and the profile say, with `options` before them.
async fn environment(options: &BucketOptions) -> Result<SdkConfig, BucketError> {
    let mut profile = ProfileFileRegionProvider::builder();
    if let Some(name) = &options.profile {
        profile = profile.profile_name(name);
    }
    // Not the SDK's chain: it asks EC2's metadata service, and waits for it.
    let region = RegionProviderChain::first_try(options.region.clone().map(Region::new))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(profile.build())
        .or_else(Region::new(ANY_REGION));
    let timeouts = TimeoutConfig::builder().connect_timeout(options.connect_timeout).build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http::client(options)?)
        .timeout_config(timeouts)
        .region(region);
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(endpoint) = &options.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some((id, secret)) = &options.credentials {
        loader = loader.credentials_provider(Credentials::new(id, secret, None, None, "options"));
    }
    Ok(loader.load().await)
}

/// The endpoint that the SDK will take, if it is not AWS's own.
fn endpoint(sdk: &SdkConfig) -> Option<String> {
    let explicit = sdk.endpoint_url().map(str::to_owned);
    if sdk.get_origin("endpoint_url").is_client_config() {
        return explicit;
    }
    let key = ServiceConfigKey::builder().service_id("S3").env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    let of_s3 = sdk.service_config().zip(key.ok());
    of_s3.and_then(|(config, key)| config.load_config(key)).or(explicit)
}

/// Refuses a key that S3 would not take.
pub(crate) fn fits(key: &str) -> Result<(), BucketError> {
    if key.is_empty() {
        return Err(BucketError::invalid("a key may not be empty".to_owned()));
    }
    if key.len() > LONGEST_KEY {
        return Err(BucketError::invalid(format!(
            "the key {key:?} has {} bytes; S3 takes {LONGEST_KEY} at most",
            key.len()
        )));
    }
    Ok(())
}
