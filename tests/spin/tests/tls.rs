//! HTTPS: `--tls-cert` and `--tls-key`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use larder_test_spin::{App, Component, PATIENCE, Project, Site};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::json;

fn app() -> App {
    App::new("tls")
        .component(Component::guest("web", "spin-files"))
        .trigger(json!({ "component": "web", "route": "/..." }))
}

/// A request on a connection that trusts one certificate; the whole response.
fn get(site: &Site, trusted: &CertificateDer<'static>, path: &str) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let stream = TcpStream::connect(site.address())?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut stream = StreamOwned::new(client, stream);
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    Ok(response)
}

#[test]
fn a_server_with_a_certificate() {
    let project = Project::new();
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    project.write("certificate.pem", certified.cert.pem());
    project.write("key.pem", certified.signing_key.serialize_pem());
    let trusted = certified.cert.der();
    let by_flags = project.up(&app()).args(&["--tls-cert", "certificate.pem", "--tls-key", "key.pem"]);
    let by_environment = project.up(&app()).env("SPIN_TLS_CERT", "certificate.pem").env("SPIN_TLS_KEY", "key.pem");
    for up in [by_flags, by_environment] {
        let mut plugin = up.start();
        let line = plugin.wait_for("Serving https://127.0.0.1:");
        let site = Site::at(line.rsplit("https://").next().unwrap());
        let health = get(&site, trusted, "/.well-known/spin/health").unwrap();
        assert!(health.starts_with("HTTP/1.1 200 OK") && health.ends_with("\r\n\r\nOK"), "{health}");
        let told = get(&site, trusted, "/headers").unwrap();
        assert!(told.contains("spin-full-url: https://localhost/headers"), "{told}");
        // Another certificate is not this server's; nor is a connection without
        // any answered.
        let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        assert!(get(&site, other.cert.der(), "/headers").is_err());
        assert!(site.try_request("GET", "/headers", &[], b"").is_err());
        plugin.stop();
    }
}

#[test]
fn what_is_no_certificate_is_named() {
    let project = Project::new();
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    project.write("certificate.pem", certified.cert.pem());
    project.write("key.pem", certified.signing_key.serialize_pem());
    project.write("other.pem", other.signing_key.serialize_pem());
    project.write("text.pem", "this is no PEM");
    for (arguments, texts) in [
        (&["--tls-cert", "certificate.pem"][..], &["--tls-key"][..]),
        (&["--tls-key", "key.pem"], &["--tls-cert"]),
        (&["--tls-cert", "none.pem", "--tls-key", "key.pem"], &["none.pem"]),
        (&["--tls-cert", "text.pem", "--tls-key", "key.pem"], &["text.pem"]),
        (&["--tls-cert", "certificate.pem", "--tls-key", "text.pem"], &["text.pem", "--tls-key"]),
        (&["--tls-cert", "certificate.pem", "--tls-key", "other.pem"], &["certificate.pem"]),
    ] {
        project.up(&app()).args(arguments).refuses(texts);
    }
}
