//! Certificates of the HTTPS server.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{self, ServerConfig};

/// Reads a certificate, with those above it, and its key.
///
/// # Errors
/// When a file cannot be read, is not PEM, or the two do not fit.
pub(super) fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor> {
    let what = || format!("the certificate {} (`--tls-cert`)", certificate.display());
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect).with_context(what)?;
    ensure!(!chain.is_empty(), "{} has no certificate: give a PEM file", certificate.display());
    let key = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("the private key {} (`--tls-key`)", key.display()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("cannot set up TLS")?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .with_context(what)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
