//! Who may use a volume is decided by NATS: users with permissions, users whose
//! rights are in a credentials file, and TLS with an authority of one's own.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;
mod jwt;

use std::path::Path;
use std::time::Duration;

use async_nats::ConnectOptions;
use common::world::{PATIENCE, World, empty};
use larder_core::{DescriptorFlags, ErrorCode, Follow, OpenFlags};
use larder_nats_client::{Access, ConnectError, NatsStore, Options};
use larder_store_client::{Client, File};
use larder_test_nats::Nats;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

const LEASE: Duration = Duration::from_secs(60);

fn options(access: Access) -> Options {
    Options { access, deadline: PATIENCE, ..Options::default() }
}

fn world(nats: &Nats, login: ConnectOptions) -> World {
    World::reached(empty(), &nats.url(), login, LEASE)
}

fn root(store: NatsStore) -> File<NatsStore> {
    let client = Client::new(store, larder_store_client::Options { write_behind: false, cache: false });
    client.roots().unwrap().remove(0).0
}

fn write(root: &File<NatsStore>, path: &str) -> Result<(), ErrorCode> {
    let written = root.open_at(Follow::No, path, OpenFlags::CREATE, DescriptorFlags::WRITE);
    written.and_then(|file| file.append(&"content".as_bytes())).map(drop).map_err(|error| error.code())
}

fn read(root: &File<NatsStore>, path: &str) -> Vec<u8> {
    let file = root.open_at(Follow::No, path, OpenFlags::empty(), DescriptorFlags::READ).unwrap();
    file.read(0, 100).unwrap().concat()
}

/// Writes and reads, and changes nothing by way of `read`.
fn check_rights(may_write: NatsStore, may_read: NatsStore) {
    let (writer, reader) = (root(may_write), root(may_read));
    write(&writer, "file").unwrap();
    assert_eq!(read(&reader, "file"), b"content");
    assert_eq!(write(&reader, "file"), Err(ErrorCode::ReadOnly));
    assert_eq!(write(&reader, "new"), Err(ErrorCode::ReadOnly));
    let code = |result: larder_core::Result<()>| result.map_err(|error| error.code());
    assert_eq!(code(reader.unlink_file_at("file")), Err(ErrorCode::ReadOnly));
    assert_eq!(code(reader.rename_at("file", &reader, "other")), Err(ErrorCode::ReadOnly));
    assert_eq!(code(reader.create_directory_at("directory")), Err(ErrorCode::ReadOnly));
    assert_eq!(read(&writer, "file"), b"content");
}

fn not_permitted(connected: Result<NatsStore, ConnectError>, who: &str) {
    let error = connected.err();
    assert!(matches!(error, Some(ConnectError::NotPermitted { .. })), "{who}: {error:?}");
}

/// The users' names say what they may; the writer only with one volume.
fn users(volume: &str) -> String {
    format!(
        r#"authorization {{ users = [
            {{ user: provider, password: p, permissions: {{
                subscribe: ["larder.v1.*.*", "$SRV.>", "_INBOX.>"],
                publish: ["larder.v1.*.read", "$SRV.>"], allow_responses: true }} }}
            {{ user: reader, password: p, permissions: {{
                publish: ["larder.v1.*.read"], subscribe: ["_INBOX.>"] }} }}
            {{ user: writer, password: p, permissions: {{
                publish: ["larder.v1.{volume}.read", "larder.v1.{volume}.write"], subscribe: ["_INBOX.>"] }} }}
            {{ user: stranger, password: p, permissions: {{
                publish: ["other.>"], subscribe: ["_INBOX.>"] }} }}
        ] }}"#
    )
}

#[test]
fn a_user_has_the_rights_of_its_permissions_and_no_others() {
    let name = common::nats::unique("mine");
    let nats = Nats::with(&users(&name));
    let login = || ConnectOptions::with_user_and_password("provider".into(), "p".into());
    let mine = World::named(name, empty(), &nats.url(), login(), LEASE);
    let other = world(&nats, login());
    let connect = |user: &str, world: &World, access| {
        let address = format!("nats://{user}:p@127.0.0.1:{}/{}", nats.port(), world.name).parse().unwrap();
        NatsStore::connect(&address, options(access))
    };
    check_rights(connect("writer", &mine, Access::Write).unwrap(), connect("reader", &mine, Access::Read).unwrap());
    connect("writer", &mine, Access::Read).unwrap();
    connect("reader", &other, Access::Read).unwrap();
    for (user, world, access) in [
        ("reader", &mine, Access::Write),
        ("reader", &other, Access::Write),
        ("writer", &other, Access::Read),
        ("writer", &other, Access::Write),
        ("stranger", &mine, Access::Read),
        ("stranger", &mine, Access::Write),
    ] {
        not_permitted(connect(user, world, access), user);
    }
    for user in ["nobody", "writer:wrong"] {
        let address = format!("nats://{user}:p@127.0.0.1:{}/{}", nats.port(), mine.name).parse().unwrap();
        let error = NatsStore::connect(&address, options(Access::Read)).unwrap_err();
        assert!(matches!(error, ConnectError::Refused { .. }), "{user}: {error:?}");
    }
}

#[test]
fn a_credentials_file_has_the_rights_that_are_signed_in_it() {
    let operator = jwt::Operator::new();
    let nats = Nats::with(&operator.configuration());
    let creds = |name: &str, publish: &[&str], subscribe: &[&str]| {
        let path = nats.path(&format!("{name}.creds"));
        std::fs::write(&path, operator.user(name, publish, subscribe)).unwrap();
        path
    };
    let of_provider = creds("provider", &[">"], &[">"]);
    let login = common::nats::runtime().block_on(ConnectOptions::with_credentials_file(of_provider)).unwrap();
    let (mine, other) = (world(&nats, login.clone()), world(&nats, login));
    let subject = |access| larder_protocol::subject(&mine.name, access);
    let (read_subject, write_subject) = (subject(Access::Read), subject(Access::Write));
    let reader = creds("reader", &[&read_subject], &["_INBOX.>"]);
    let writer = creds("writer", &[&read_subject, &write_subject], &["_INBOX.>"]);
    let connect = |creds: &Path, world: &World, access| {
        let options = Options { credentials: Some(creds.to_owned()), ..options(access) };
        NatsStore::connect(&common::nats::address(&nats, &world.name), options)
    };
    check_rights(connect(&writer, &mine, Access::Write).unwrap(), connect(&reader, &mine, Access::Read).unwrap());
    for (creds, world, access) in
        [(&reader, &mine, Access::Write), (&reader, &other, Access::Read), (&writer, &other, Access::Write)]
    {
        not_permitted(connect(creds, world, access), &creds.display().to_string());
    }

    // Signed by somebody else, or by nobody.
    let strange = nats.path("strange.creds");
    std::fs::write(&strange, jwt::Operator::new().user("writer", &[">"], &[">"])).unwrap();
    let error = connect(&strange, &mine, Access::Read).unwrap_err();
    assert!(matches!(error, ConnectError::Refused { .. }), "{error:?}");
    let error = NatsStore::connect(&common::nats::address(&nats, &mine.name), options(Access::Read)).unwrap_err();
    assert!(matches!(error, ConnectError::Refused { .. }), "{error:?}");
    std::fs::write(&strange, "no credentials").unwrap();
    for (path, says) in [(strange, "strange.creds"), (nats.path("missing.creds"), "missing.creds")] {
        let error = connect(&path, &mine, Access::Read).unwrap_err();
        assert!(matches!(&error, ConnectError::Setup(text) if text.contains(says)), "{error:?}");
    }
}

/// An authority, with a server's certificate for this machine.
fn write_certificates(directory: &Path) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(directory.join("ca.pem"), authority.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
    std::fs::write(directory.join("server.pem"), certificate.pem()).unwrap();
    std::fs::write(directory.join("server.key"), key.serialize_pem()).unwrap();
}

#[test]
fn tls_is_used_where_the_authority_is_trusted_and_nowhere_else() {
    let directory = TempDir::new().unwrap();
    write_certificates(directory.path());
    let nats = Nats::prepared(directory, r#"tls { cert_file: "server.pem", key_file: "server.key" }"#);
    let login = ConnectOptions::new().add_root_certificates(nats.path("ca.pem")).require_tls(true);
    let world = world(&nats, login);
    let connect = |url: &str, ca: Option<&Path>| {
        // Longer than anybody waits for a test: what cannot get better is told
        // at once.
        let deadline = Duration::from_secs(3600);
        let options = Options { tls_ca: ca.map(Path::to_owned), deadline, ..options(Access::Write) };
        NatsStore::connect(&format!("{url}:{}/{}", nats.port(), world.name).parse().unwrap(), options)
    };
    let own = nats.path("ca.pem");
    for url in ["tls://localhost", "tls://127.0.0.1", "nats://localhost"] {
        let root = root(connect(url, Some(&own)).unwrap());
        write(&root, "file").unwrap();
        root.unlink_file_at("file").unwrap();
    }
    let strange = TempDir::new().unwrap();
    write_certificates(strange.path());
    let strange = strange.path().join("ca.pem");
    for ca in [Some(strange.as_path()), None] {
        let error = connect("tls://localhost", ca).unwrap_err();
        let says = error.to_string().contains("certificate");
        assert!(matches!(error, ConnectError::Unreachable { .. }) && says, "{error:?}");
    }
    let error = connect("tls://localhost", Some(&nats.path("missing.pem"))).unwrap_err();
    assert!(matches!(error, ConnectError::Setup(_)), "{error:?}");

    // Who asks for TLS does not go on without it.
    let plain = Nats::start();
    let address = format!("tls://localhost:{}/{}", plain.port(), world.name).parse().unwrap();
    let options = Options { tls_ca: Some(own), deadline: Duration::from_secs(2), ..options(Access::Write) };
    let error = NatsStore::connect(&address, options).unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
}
