//! Who reaches a volume is decided by NATS: users with permissions, and TLS.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use std::path::Path;
use std::time::Duration;

use async_nats::{Client, ConnectOptions};
use larder_core::ErrorCode;
use larder_nats_server::{Server, ServerOptions};
use larder_protocol::messages::Fault;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use support::{
    Caller, Connect as _, Nats, READ, append, attributes, failed, open, opened, reader, refused, request, served,
    settle, volume, writer,
};

/// What docs/protocol.md tells to allow, and nothing more.
const USERS: &str = r#"
authorization { users = [
  { user: server, password: server-password, permissions: {
      subscribe: ["larder.v1.data.*", "$SRV.>", "_INBOX.>"], publish: { deny: ">" }, allow_responses: true } }
  { user: reader, password: reader-password, permissions: {
      publish: ["larder.v1.data.read"], subscribe: ["_INBOX.>"] } }
  { user: writer, password: writer-password, permissions: {
      publish: ["larder.v1.data.read", "larder.v1.data.write"], subscribe: ["_INBOX.>"] } }
] }
"#;

/// Whether anybody answers.
async fn is_heard(client: &Client, caller: &Caller, bytes: Vec<u8>) -> bool {
    let request = async_nats::Request::new().payload(bytes.into()).timeout(Some(Duration::from_millis(500)));
    client.send_request(caller.subject, request).await.is_ok()
}

#[tokio::test]
async fn permissions_of_nats_decide_who_reads_and_who_writes() {
    let nats = Nats::with(USERS);
    let volume = volume();
    let _server =
        Server::start(nats.connect_as("server").await, vec![served("data", &volume)], ServerOptions::default())
            .await
            .unwrap();

    let client = nats.connect_as("writer").await;
    let may_write = writer(&client);
    let (writing, top) = may_write.session().await;
    attributes(may_write.ask(writing, 1, append(top, "file", b"content", false)).await);

    let client = nats.connect_as("reader").await;
    let (read, write) = (reader(&client), writer(&client));
    let (reading, top) = read.session().await;
    opened(read.ask(reading, 1, open(top, "file", 0, READ)).await);
    failed(read.ask(reading, 2, append(top, "file", b"more", false)).await, ErrorCode::ReadOnly);
    // Neither a session of its own nor another's number takes it further.
    assert!(!is_heard(&client, &write, request(writing, 2, append(top, "file", b"more", false))).await);
    assert!(!is_heard(&client, &write, request(reading, 2, append(top, "file", b"more", false))).await);
    refused(read.ask(writing, 2, append(top, "file", b"more", false)).await, Fault::NoSession);
    assert_eq!(attributes(may_write.ask(writing, 2, append(top, "file", b"!", false)).await).size, 8);

    let nobody = ConnectOptions::with_user_and_password("reader".into(), "guessed".into());
    assert!(nobody.connect(nats.url()).await.is_err());
}

/// An authority, with certificates of it for both sides.
fn write_certificates(directory: &Path) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(directory.join("ca.pem"), authority.pem()).unwrap();
    for side in ["server", "client"] {
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
        std::fs::write(directory.join(format!("{side}.pem")), certificate.pem()).unwrap();
        std::fs::write(directory.join(format!("{side}.key")), key.serialize_pem()).unwrap();
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_volume_is_served_over_tls_to_those_who_have_a_certificate() {
    const TLS: &str = r#"tls { cert_file: "server.pem", key_file: "server.key", ca_file: "ca.pem", verify: true }"#;
    let directory = TempDir::new().unwrap();
    write_certificates(directory.path());
    let nats = Nats::prepared(directory, TLS);
    let path = |name: &str| nats.path(name).to_str().unwrap().to_owned();

    let configuration = format!(
        "[nats]\nurl = '{}'\n[nats.tls]\nca = 'ca.pem'\ncertificate = 'client.pem'\nkey = 'client.key'\n\
         [volumes.data]\nmemory = true\nwritable = true\n",
        nats.url()
    );
    let provider = support::Provider::start(Path::new(&path(".")), &configuration, &[]);
    let trusted = || ConnectOptions::new().add_root_certificates(nats.path("ca.pem")).require_tls(true);
    let client = nats.connect_with(trusted().add_client_certificate(nats.path("client.pem"), nats.path("client.key")));
    let client = client.await;
    let writer = writer(&client);
    let (id, top) = writer.session().await;
    attributes(writer.ask(id, 1, append(top, "file", b"content", false)).await);
    support::done(writer.ask(id, 2, settle(true, true)).await);

    // Without a certificate nobody gets in, and a stranger's server is refused.
    assert!(trusted().connect(nats.url()).await.is_err());
    let strange = TempDir::new().unwrap();
    write_certificates(strange.path());
    let strange = strange.path().join("ca.pem");
    let mistrustful = ConnectOptions::new().add_root_certificates(strange).require_tls(true);
    let mistrustful = mistrustful.add_client_certificate(nats.path("client.pem"), nats.path("client.key"));
    assert!(mistrustful.connect(nats.url()).await.is_err());
    assert!(provider.terminate().0);
}
