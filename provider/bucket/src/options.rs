//! Which bucket, where it is, and how long it is waited for.

use std::path::PathBuf;
use std::time::Duration;

/// Which bucket to use, and how. What is `None` comes from the standard AWS
/// environment: `AWS_*` variables, profile files, web identity, the metadata
/// services of ECS and EC2.
#[derive(Clone)]
pub struct BucketOptions {
    /// The bucket's name.
    pub bucket: String,
    /// The server's URL, such as `http://127.0.0.1:8333`; else
    /// `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, the profile's
    /// `endpoint_url`, and else AWS itself.
    pub endpoint: Option<String>,
    /// The region that requests are signed for; else `AWS_REGION`, the
    /// profile's, and else `us-east-1`, which servers other than AWS take.
    pub region: Option<String>,
    /// Whether the bucket is in the URL's path (`https://host/bucket/key`), not
    /// in the host's name. `None`: where an endpoint is given, by whatever
    /// means.
    pub path_style: Option<bool>,
    /// A profile of `~/.aws/config` and `~/.aws/credentials`; else
    /// `AWS_PROFILE`, and else `default`.
    pub profile: Option<String>,
    /// An access key's id and its secret; else the standard chain.
    pub credentials: Option<(String, String)>,
    /// A PEM file of the authorities that may have signed the server's
    /// certificate, besides those of the system; else `AWS_CA_BUNDLE`.
    pub ca_bundle: Option<PathBuf>,
    /// Whether the signature covers what is uploaded, by its SHA-256, not its
    /// CRC-32 alone. That guards against whoever could change it on the way,
    /// and can halve the speed of uploads where the processor has no
    /// instructions for SHA-256. `None`: over plain HTTP, not over TLS, which
    /// guards against them too.
    pub sign_payloads: Option<bool>,
    /// How long one attempt of a request takes at most, its body included.
    /// Guards against a server or network that stops answering. An attempt of
    /// a stream ([`Bucket::get_stream`](crate::Bucket::get_stream)) ends when
    /// nothing arrives for this long, or when less than 16 KiB/s do.
    pub request_timeout: Duration,
    /// How long it may take to connect, TLS included. Guards against a host
    /// that does not exist, which is noticed sooner than by `request_timeout`.
    pub connect_timeout: Duration,
    /// How often one call sends its request at most, at least 1. Together with
    /// `request_timeout` it bounds each call: attempts, and the pauses between
    /// them, end by `attempts × request_timeout`.
    pub attempts: u32,
    /// The pause before the second attempt; it doubles each further time, up
    /// to 5 seconds, and the pause taken is a random one from half of it to
    /// all of it. Guards a server in trouble against a crowd in step. A
    /// server's `Retry-After` makes it longer, up to 20 seconds.
    pub first_pause: Duration,
}

impl Default for BucketOptions {
    fn default() -> Self {
        Self {
            bucket: String::new(),
            endpoint: None,
            region: None,
            path_style: None,
            profile: None,
            credentials: None,
            ca_bundle: None,
            sign_payloads: None,
            request_timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(5),
            attempts: 5,
            first_pause: Duration::from_millis(50),
        }
    }
}

impl std::fmt::Debug for BucketOptions {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BucketOptions")
            .field("bucket", &self.bucket)
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("path_style", &self.path_style)
            .field("profile", &self.profile)
            .field("access_key", &self.credentials.as_ref().map(|(id, _)| id))
            .field("ca_bundle", &self.ca_bundle)
            .field("sign_payloads", &self.sign_payloads)
            .field("request_timeout", &self.request_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("attempts", &self.attempts)
            .field("first_pause", &self.first_pause)
            .finish()
    }
}
