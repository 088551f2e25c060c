//! The executable: its configuration, what survives its end, and its messages.
#![cfg(unix)]

mod support;

use std::time::Duration;

use larder_core::ErrorCode;
use larder_protocol::messages::{Reply, reply};
use prost::Message;
use tempfile::TempDir;

use support::{
    Connect as _, Nats, Provider, READ, append, attributes, done, eventually, failed, open, opened, reader, request,
    settle, writer,
};

const DATA: &str = "[volumes.data]\nfile = 'data.larder'\nwritable = true\n";

#[tokio::test]
async fn what_was_synced_survives_a_kill() {
    let (nats, directory) = (Nats::start(), TempDir::new().unwrap());
    let url = nats.url();
    let provider = Provider::start(directory.path(), DATA, &["--nats", &url]);
    let client = nats.connect().await;
    let writer = writer(&client);
    let (id, top) = writer.session().await;
    attributes(writer.ask(id, 1, append(top, "synced", b"kept", true)).await);
    attributes(writer.ask(id, 2, append(top, "accepted", b"lost", false)).await);
    provider.kill();

    let provider = Provider::start(directory.path(), DATA, &["--nats", &url]);
    // The session went with the process; a new one is begun.
    support::refused(writer.ask(id, 3, settle(false, false)).await, larder_protocol::messages::Fault::NoSession);
    let reader = reader(&client);
    let (id, top) = reader.session().await;
    let file = opened(reader.ask(id, 1, open(top, "synced", 0, READ)).await);
    assert_eq!(&file.content.unwrap().bytes[..], b"kept");
    failed(reader.ask(id, 2, open(top, "accepted", 0, READ)).await, ErrorCode::NoEntry);
    let (succeeded, said) = provider.terminate();
    assert!(succeeded, "{said}");
}

#[tokio::test]
async fn everything_accepted_survives_being_told_to_end() {
    let (nats, directory) = (Nats::start(), TempDir::new().unwrap());
    let configuration = format!("[nats]\nurl = '{}'\n{DATA}", nats.url());
    let provider = Provider::start(directory.path(), &configuration, &[]);
    let client = nats.connect().await;
    let writer = writer(&client);
    let (id, top) = writer.session().await;
    attributes(writer.ask(id, 1, append(top, "accepted", b"kept", false)).await);
    // One process at a time has the file.
    let elsewhere = Nats::start();
    let (succeeded, said) = Provider::spawn(directory.path(), DATA, &["--nats", &elsewhere.url()]).end();
    assert!(!succeeded && said.contains("data.larder is in use"), "{said}");
    let (succeeded, said) = provider.terminate();
    assert!(succeeded && said.contains("serving data on nats://127.0.0.1"), "{said}");

    // Also where it is only read then.
    let only_read = "[volumes.data]\nfile = 'data.larder'\n";
    let provider = Provider::start(directory.path(), only_read, &["--nats", &nats.url()]);
    failed(writer.begin("").await, ErrorCode::ReadOnly);
    let reader = reader(&client);
    let (id, top) = reader.session().await;
    opened(reader.ask(id, 1, open(top, "accepted", 0, READ)).await);
    assert!(provider.terminate().0);
    let names: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[tokio::test]
async fn a_changed_volume_is_saved_every_so_often() {
    let (nats, directory) = (Nats::start(), TempDir::new().unwrap());
    let configuration = format!("{DATA}save_every_seconds = 1\n");
    let provider = Provider::start(directory.path(), &configuration, &["--nats", &nats.url()]);
    let writer = writer(&nats.connect().await);
    let (id, top) = writer.session().await;
    attributes(writer.ask(id, 1, append(top, "file", b"kept", false)).await);
    let file = directory.path().join("data.larder");
    eventually(async || file.exists()).await;
    let saved = file.metadata().unwrap().modified().unwrap();
    done(writer.ask(id, 0, settle(false, false)).await);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(file.metadata().unwrap().modified().unwrap(), saved, "it did not change");
    provider.kill();
}

#[tokio::test]
async fn nats_may_come_later_and_may_go_and_come_back() {
    let directory = TempDir::new().unwrap();
    let mut nats = Nats::start();
    nats.stop();
    let mut provider = Provider::spawn(directory.path(), DATA, &["--nats", &nats.url()]);
    tokio::time::sleep(Duration::from_millis(700)).await;
    nats.start_again();
    assert!(provider.is_ready());
    let writer = writer(&nats.connect().await);
    let (id, top) = writer.session().await;
    nats.stop();
    nats.start_again();
    let bytes = request(id, 1, append(top, "file", b"once", true));
    eventually(async || {
        let Ok(answer) = writer.client.request(writer.subject, bytes.clone().into()).await else { return false };
        let reply = Reply::decode(answer.payload).unwrap();
        matches!(reply.result, Some(reply::Result::Attributes(attributes)) if attributes.size == 4)
    })
    .await;
    assert!(provider.terminate().0);
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let directory = TempDir::new().unwrap();
    let nats = Nats::start();
    for (configuration, says) in [
        ("[volumes.data]\nfile = 'data.larder'\nwriteable = true\n", "unknown field `writeable`"),
        ("[volumes.data]\nfile = 'missing.larder'\n", "missing.larder"),
        ("[volumes.'da.ta']\nmemory = true\nwritable = true\n", "`da.ta` cannot be the name"),
        ("[nats]\ncredentials = 'missing.creds'\n[volumes.data]\nmemory = true\nwritable = true\n", "missing.creds"),
    ] {
        let (succeeded, said) = Provider::spawn(directory.path(), configuration, &["--nats", &nats.url()]).end();
        assert!(!succeeded && said.contains(says), "{configuration}: {said}");
    }
}
