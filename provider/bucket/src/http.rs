//! The HTTP client underneath.

use std::time::Duration;

use aws_sdk_s3::config::interceptors::BeforeSerializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, SharedHttpClient};
use aws_sdk_s3::error::BoxError;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::http::NonUtf8HeaderHandling;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::error::BucketError;
use crate::options::BucketOptions;

/// How long an idle connection is kept: 30 seconds. Guards against using one
/// that the server has dropped in silence. There is no bound on how many:
/// there are as many as calls were under way at once.
const KEEP_IDLE: Duration = Duration::from_secs(30);

/// The client: HTTP and HTTPS, ring's cryptography, the system's authorities
/// and the configured ones.
pub(crate) fn client(options: &BucketOptions) -> Result<SharedHttpClient, BucketError> {
    let mut trusted = TrustStore::default();
    let environment = || std::env::var_os("AWS_CA_BUNDLE").filter(|file| !file.is_empty());
    if let Some(file) = options.ca_bundle.clone().or_else(|| environment().map(Into::into)) {
        let unusable =
            |reason: String| BucketError::invalid(format!("the authorities in {}: {reason}", file.display()));
        let pem = std::fs::read(&file).map_err(|error| unusable(error.to_string()))?;
        // The client panics on what it cannot parse.
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
            roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(unusable("there are none".to_owned()));
        }
        trusted.add_pem_certificate(pem);
    }
    let tls = TlsContext::builder().with_trust_store(trusted).build();
    let tls = tls.map_err(|error| BucketError::invalid(format!("TLS: {error}")))?;
    Ok(Builder::new()
        .pool_idle_timeout(KEEP_IDLE)
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(tls)
        .build_https())
}

/// Metadata that is not UTF-8, which other tools may have written, is left
/// out; else the whole object could not be read.
#[derive(Debug)]
pub(crate) struct SkipForeignHeaders;

impl Intercept for SkipForeignHeaders {
    fn name(&self) -> &'static str {
        "SkipForeignHeaders"
    }

    fn read_before_execution(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(NonUtf8HeaderHandling::Skip);
        Ok(())
    }
}
