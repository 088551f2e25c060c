//! A server behind TLS, whose authority the system does not know.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use common::{kind, places};
use larder_bucket::{Bucket, BucketErrorKind, BucketOptions};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// TLS before a server, with a certificate for `localhost`; its port.
async fn tls_before(server: String, certified: &rcgen::CertifiedKey<rcgen::KeyPair>) -> u16 {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let (acceptor, server) = (acceptor.clone(), server.clone());
            tokio::spawn(async move {
                let mut outside = acceptor.accept(connection).await?;
                let mut inside = TcpStream::connect(server).await?;
                copy_bidirectional(&mut outside, &mut inside).await
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configured_authority_is_trusted_and_no_other() {
    let [_, place] = places().await;
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let server = place.access.endpoint.trim_start_matches("http://").to_owned();
    let port = tls_before(server, &certified).await;
    let directory = tempfile::tempdir().unwrap();
    let authority = directory.path().join("ca.pem");
    std::fs::write(&authority, certified.cert.pem()).unwrap();

    let options = BucketOptions {
        endpoint: Some(format!("https://localhost:{port}")),
        attempts: 1,
        ..common::options(&place.access, &place.name)
    };
    let unknown = Bucket::connect(options.clone()).await.unwrap();
    let refused = unknown.check("").await;
    assert_eq!(kind(refused), BucketErrorKind::Unavailable);
    let options = BucketOptions { ca_bundle: Some(authority), ..options };
    Bucket::connect(options).await.unwrap().check("").await.unwrap();
}
