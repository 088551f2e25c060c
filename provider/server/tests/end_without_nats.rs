//! The executable is told to end while NATS is away: it ends, and what it
//! accepted is in the file.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::path::Path;
use std::time::Duration;

use larder_test_nats::Proxy;
use tempfile::TempDir;

use larder_protocol::messages::request::Operation;
use larder_protocol::messages::{Commit, Read, Write, commit, write};
use support::{
    Connect as _, Nats, Provider, READ, append, attributes, node, open, opened, place, reader, request, settle, writer,
};

const DATA: &str = "[volumes.data]\nfile = 'data.larder'\nwritable = true\n";

/// Longest wait for the process to end. It promises seconds; a busy machine
/// gets more.
const PATIENCE: Duration = Duration::from_secs(60);

/// A provider that reaches NATS at `url` and accepted a file.
async fn accepted(directory: &Path, nats: &Nats, url: &str) -> Provider {
    let provider = Provider::start(directory, DATA, &["--nats", url]);
    let writer = writer(&nats.connect().await);
    let (id, top) = writer.session().await;
    attributes(writer.ask(id, 1, append(top, "accepted", b"kept", false)).await);
    provider
}

fn ends(provider: Provider) {
    let (ended, end) = std::sync::mpsc::channel();
    // A thread that nobody waits for: the test ends also if the process does not.
    std::thread::spawn(move || ended.send(provider.terminate()));
    let (succeeded, said) = end.recv_timeout(PATIENCE).expect("it does not end");
    assert!(succeeded, "{said}");
}

async fn is_kept(directory: &Path, nats: &Nats) {
    let provider = Provider::start(directory, DATA, &["--nats", &nats.url()]);
    let reader = reader(&nats.connect().await);
    let (id, top) = reader.session().await;
    let file = opened(reader.ask(id, 1, open(top, "accepted", 0, READ)).await);
    assert_eq!(&file.content.unwrap().bytes[..], b"kept");
    ends(provider);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_nats_was_ended() {
    let (mut nats, directory) = (Nats::start(), TempDir::new().unwrap());
    let url = nats.url();
    let provider = accepted(directory.path(), &nats, &url).await;
    nats.stop();
    ends(provider);
    nats.start_again();
    is_kept(directory.path(), &nats).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_network_brings_nothing_any_more() {
    let (nats, directory) = (Nats::start(), TempDir::new().unwrap());
    let proxy = Proxy::to(nats.port());
    let provider = accepted(directory.path(), &nats, &proxy.url()).await;
    proxy.stall();
    ends(provider);
    // NATS, too, learns that it is gone.
    proxy.cut();
    is_kept(directory.path(), &nats).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_connection_was_cut() {
    let (nats, directory) = (Nats::start(), TempDir::new().unwrap());
    let proxy = Proxy::to(nats.port());
    let provider = accepted(directory.path(), &nats, &proxy.url()).await;
    proxy.cut();
    ends(provider);
    is_kept(directory.path(), &nats).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_its_answers_are_not_taken() {
    const LENGTH: u32 = 512 << 10;
    let (nats, directory) = (Nats::start(), TempDir::new().unwrap());
    let proxy = Proxy::to(nats.port());
    let provider = accepted(directory.path(), &nats, &proxy.url()).await;
    let client = nats.connect().await;
    let writer = writer(&client);
    let (id, top) = writer.session().await;
    let write = Write { position: Some(write::Position::At(0)), bytes: vec![1; LENGTH as usize].into() };
    let target = place(top, "large").map(commit::Target::File);
    let large = Commit { target, writes: vec![write], ..Commit::default() };
    attributes(writer.ask(id, 1, Operation::Commit(large)).await);
    let large = node(&opened(writer.ask(id, 2, open(top, "large", 0, READ)).await));
    // First those whose answers fill what is between the two, then many small
    // ones: in the end nothing takes an answer any more.
    proxy.stall_clients();
    let read = Operation::Read(Read { node: Some(large), offset: 0, length: LENGTH });
    for (count, operation) in [(60, read), (6000, settle(false, false))] {
        let bytes = request(id, 0, operation);
        for _ in 0..count {
            client.publish_with_reply(writer.subject, "nobody", bytes.clone().into()).await.unwrap();
        }
        client.flush().await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    ends(provider);
    proxy.cut();
    is_kept(directory.path(), &nats).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_nats_never_came() {
    let directory = TempDir::new().unwrap();
    let mut nats = Nats::start();
    nats.stop();
    let provider = Provider::spawn(directory.path(), DATA, &["--nats", &nats.url()]);
    // The file is locked before NATS is looked for, and signals are listened to
    // before that.
    support::eventually(async || std::fs::read_dir(directory.path()).unwrap().count() > 1).await;
    ends(provider);
}
