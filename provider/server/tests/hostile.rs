//! What no client would send: mutilated, mixed up, random, oversized and
//! replayed messages. Each is answered, and the server serves on.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use async_nats::{Client, HeaderMap};
use futures::StreamExt;
use larder_core::ErrorCode;
use larder_nats_server::ServerOptions;
use larder_protocol::messages::request::Operation;
use larder_protocol::messages::{
    Begin, Call, Commit, Fault, Instant, Link, List, Lock, NewTime, Node, Note, Open, Place, ReadLink, Rename, Reply,
    Request, SetTimesAt, Stat, StatAt, Unlock, Usage, Write, commit, new_time, reply, write,
};
use prost::Message;

use support::{
    CREATE, Caller, Connect as _, Nats, READ, WRITE, append, attributes, content, done, failed, make_directory, node,
    open, opened, place, read, refused, request, serve, settle, unlink, volume, writer,
};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Messages that are under way at a time.
const AT_A_TIME: usize = 32;

/// Numbers that follow from a seed (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

/// One request of each kind, of a session that has `file` open.
fn requests(session: u64, top: Node, file: Node, random: &mut Random) -> Vec<Vec<u8>> {
    let at = |path| place(top, path);
    let time = |to| Some(NewTime { to: Some(to) });
    let writes = vec![
        Write { position: Some(write::Position::At(10)), bytes: random.bytes(100).into() },
        Write { position: Some(write::Position::End(true)), bytes: random.bytes(20).into() },
    ];
    let instant = Instant { seconds: -3, nanoseconds: 999_999_999 };
    let operations = vec![
        Operation::Begin(Begin {
            version: 1,
            directory: "d".into(),
            client: "c".into(),
            mount_path: "/m".into(),
            brief: true,
            open: Some(Open { at: Some(Place { directory: None, path: "file".into() }), ..Open::default() }),
        }),
        open(top, "file", 0, READ),
        open(top, "new", CREATE, READ | WRITE),
        read(file),
        append(top, "file", b"appended", false),
        Operation::Commit(Commit {
            target: Some(commit::Target::Node(file)),
            size: Some(50),
            writes,
            accessed: time(new_time::To::Now(true)),
            modified: time(new_time::To::At(instant)),
            ..Commit::default()
        }),
        Operation::Stat(Stat { node: Some(file) }),
        Operation::StatAt(StatAt { at: at("d"), follow: true }),
        Operation::SetTimesAt(SetTimesAt {
            at: at("file"),
            accessed: time(new_time::To::At(instant)),
            ..SetTimesAt::default()
        }),
        Operation::List(List { directory: Some(top), after: 0, most: 100 }),
        make_directory(top, "d"),
        Operation::ReadLink(ReadLink { at: at("l") }),
        unlink(top, "new"),
        Operation::Rename(Rename { old: at("d"), new: at("e") }),
        Operation::Link(Link { old: at("file"), follow: false, new: at("link") }),
        settle(true, false),
        Operation::Usage(Usage {}),
        Operation::Lock(Lock { node: Some(file), shared: false }),
        Operation::Unlock(Unlock { node: Some(file) }),
    ];
    let notes = vec![Note { node: Some(file), read: true, closed: false }];
    let whole = |(number, what): (u64, Operation)| {
        let call = Call { session, operation: number, notes: notes.clone(), after: 0 };
        Request { call: Some(call), operation: Some(what) }.encode_to_vec()
    };
    (1..).zip(operations).map(whole).collect()
}

/// A message that was spoilt in one of many ways.
fn spoil(message: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = message.to_vec();
    let (at, of_other) = (random.below(bytes.len()), random.below(other.len()));
    match random.below(8) {
        // Bits are flipped.
        0..4 => {
            for _ in 0..=random.below(3) {
                let at = random.below(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
        }
        // It is cut off, or something is behind it.
        4 => bytes.truncate(at),
        5 => bytes.extend_from_slice(&other[of_other..]),
        // A piece is gone, or another one's is in its place.
        6 => drop(bytes.drain(at..bytes.len().min(at + 1 + random.below(8)))),
        _ => {
            bytes.truncate(at);
            bytes.extend_from_slice(&other[of_other..]);
        }
    }
    bytes
}

/// A message that never was one of this protocol, but may look like it.
fn nonsense(random: &mut Random) -> Vec<u8> {
    let length = random.below(300);
    match random.below(4) {
        0 => random.bytes(length),
        // One field again and again.
        1 => random.bytes(2).repeat(length),
        // Lengths and numbers without an end.
        2 => [&[0x12, 0xff][..], &[0xff; 12], &random.bytes(length)].concat(),
        // An operation that is not known.
        _ => {
            let call =
                Call { session: random.next(), operation: random.next(), notes: Vec::new(), after: random.next() };
            let mut bytes = Request { call: Some(call), operation: None }.encode_to_vec();
            let field = u8::try_from(17 + random.below(14)).unwrap();
            bytes.extend([(field << 3) | 2, 1, 0]);
            bytes.extend([0]);
            bytes
        }
    }
}

/// Sends all, some at a time; each is answered by a reply of the protocol.
async fn all_answered(client: &Client, subject: &'static str, messages: Vec<Vec<u8>>) -> Vec<Reply> {
    let send = |bytes: Vec<u8>| async move {
        let request = async_nats::Request::new().payload(bytes.clone().into()).timeout(Some(PATIENCE));
        match client.send_request(subject, request).await {
            Ok(answer) => Reply::decode(answer.payload).unwrap(),
            Err(error) => panic!("{error} for {bytes:x?}"),
        }
    };
    futures::stream::iter(messages).map(send).buffered(AT_A_TIME).collect().await
}

/// Somebody who knows nothing of all that.
async fn works(caller: &Caller, name: &str) {
    let (id, top) = caller.session().await;
    attributes(caller.ask(id, 1, append(top, name, b"content", false)).await);
    let file = opened(caller.ask(id, 2, open(top, name, 0, READ)).await);
    assert_eq!(content(caller.ask(id, 3, read(node(&file))).await), b"content");
    done(caller.ask(id, 4, settle(false, true)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn spoilt_messages_are_answered_and_the_server_serves_on() {
    let nats = Nats::start();
    let volume = volume();
    let server = serve(&nats, &volume, ServerOptions::default()).await;
    let client = nats.connect().await;
    let writer = writer(&client);
    let mut random = Random(1);
    for round in 0..12 {
        // A message that was spoilt may end the session: then it is another one's turn.
        let (id, top) = writer.session().await;
        let file = node(&opened(writer.ask(id, 1, open(top, "file", CREATE, READ | WRITE)).await));
        let good = requests(id, top, file, &mut random);
        let mut messages = Vec::new();
        for _ in 0..300 {
            let (one, other) = (random.below(good.len()), random.below(good.len()));
            messages.push(spoil(&good[one], &good[other], &mut random));
            messages.push(nonsense(&mut random));
        }
        all_answered(&client, if round % 3 == 0 { "larder.v1.data.read" } else { "larder.v1.data.write" }, messages)
            .await;
        works(&writer, &format!("round-{round}")).await;
        assert_eq!(volume.usage(), volume.recount(), "round {round}");
    }
    server.shutdown().await;
    assert_eq!(volume.usage(), volume.recount());
}

#[tokio::test(flavor = "multi_thread")]
async fn replayed_messages_change_nothing() {
    let nats = Nats::start();
    let volume = volume();
    let _server = serve(&nats, &volume, ServerOptions::default()).await;
    let client = nats.connect().await;
    let writer = writer(&client);
    let (id, top) = writer.session().await;
    let messages: Vec<Vec<u8>> =
        (1..=200).map(|number| request(id, number, append(top, "log", b"once ", false))).collect();
    for message in &messages {
        attributes(writer.send(message.clone()).await);
    }
    // Of those that are remembered the answer comes again, of others an error.
    let replies = all_answered(&client, writer.subject, messages.clone()).await;
    let (forgotten, remembered) = replies.split_at(200 - 64);
    for reply in forgotten {
        failed(reply.clone(), ErrorCode::NotRecoverable);
    }
    for reply in remembered {
        attributes(reply.clone());
    }
    let log = opened(writer.ask(id, 0, open(top, "log", 0, READ)).await);
    assert_eq!(attributes(writer.ask(id, 0, Operation::Stat(Stat { node: Some(node(&log)) })).await).size, 200 * 5);
    // When the session is over, nobody is there for them.
    done(writer.ask(id, 0, settle(false, true)).await);
    for reply in all_answered(&client, writer.subject, messages).await {
        refused(reply, Fault::NoSession);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_and_what_exceeds_a_bound_is_refused() {
    let nats = Nats::with("max_payload: 8MB");
    let volume = volume();
    let _server = serve(&nats, &volume, ServerOptions::default()).await;
    let client = nats.connect().await;
    let writer = writer(&client);
    for version in [0, 2, 99, u32::MAX] {
        let begin = Begin { version, ..Begin::default() };
        refused(writer.ask(0, 0, Operation::Begin(begin)).await, Fault::Unsupported);
    }
    let (id, top) = writer.session().await;
    let mut random = Random(2);
    for length in [(1 << 20) + 1, 4 << 20, 7 << 20] {
        refused(writer.send(vec![0x0a; length]).await, Fault::BadRequest);
        // It would be well-formed.
        let write = Write { position: Some(write::Position::At(0)), bytes: random.bytes(length).into() };
        let target = place(top, "large").map(commit::Target::File);
        let commit = Commit { target, writes: vec![write], ..Commit::default() };
        refused(writer.ask(id, 1, Operation::Commit(commit)).await, Fault::BadRequest);
    }
    let bounds = |operation: Operation, notes: usize| {
        let note = Note { node: Some(top), read: false, closed: false };
        let call = Call { session: id, operation: 2, notes: vec![note; notes], after: 0 };
        Request { call: Some(call), operation: Some(operation) }.encode_to_vec()
    };
    let writes = |count: usize, length: usize| {
        let write = Write { position: Some(write::Position::End(true)), bytes: vec![1; length].into() };
        let target = place(top, "large").map(commit::Target::File);
        Operation::Commit(Commit { target, writes: vec![write; count], ..Commit::default() })
    };
    for message in [
        bounds(settle(false, false), 4097),
        bounds(writes(1025, 1), 0),
        bounds(writes(1, (512 << 10) + 1), 0),
        bounds(Operation::Begin(Begin { version: 1, directory: "d/".repeat(100_000), ..Begin::default() }), 0),
        bounds(open(top, &"n".repeat(500_000), CREATE, READ), 0),
    ] {
        let reply = writer.send(message).await;
        let is_refused = matches!(reply.result, Some(reply::Result::Error(_) | reply::Result::Refusal(_)));
        assert!(is_refused, "{reply:?}");
    }
    failed(writer.ask(id, 0, open(top, "large", 0, READ)).await, ErrorCode::NoEntry);
    works(&writer, "file").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strange_subjects_and_headers_steer_nothing() {
    let nats = Nats::start();
    let volume = volume();
    let _server = serve(&nats, &volume, ServerOptions::default()).await;
    let client = nats.connect().await;
    let writer = writer(&client);
    let (id, top) = writer.session().await;
    let mut random = Random(3);
    let mut watched = client.subscribe("watched.>").await.unwrap();
    for number in 0..300_u64 {
        let bytes = request(id, 1000 + number, append(top, "silent", b"x", false));
        let mut headers = HeaderMap::new();
        headers.insert("Status", "503");
        headers.insert("Nats-Service-Error", random.next().to_string().as_str());
        // Neighbours of the subjects, and answers to places that steer.
        for subject in ["larder.v1.data", "larder.v1.data.admin", "larder.v2.data.write", "larder.v1.data.write.x"] {
            client
                .publish_with_reply_and_headers(subject, "watched.by", headers.clone(), bytes.clone().into())
                .await
                .unwrap();
        }
        for steered in ["$SRV.PING", "$SYS.REQ.USER.INFO", "larder.v1.data.write", "larder.v1.data.read"] {
            client.publish_with_reply(writer.subject, steered, bytes.clone().into()).await.unwrap();
        }
        client.publish(writer.subject, bytes.into()).await.unwrap();
    }
    client.flush().await.unwrap();
    failed(writer.ask(id, 0, open(top, "silent", 0, READ)).await, ErrorCode::NoEntry);
    works(&writer, "file").await;
    // NATS itself says that nobody is there; nobody else says anything.
    let nobody = async_nats::StatusCode::NO_RESPONDERS;
    while let Ok(Some(heard)) = tokio::time::timeout(Duration::from_millis(200), watched.next()).await {
        assert!(heard.status == Some(nobody) && heard.payload.is_empty(), "{heard:?}");
    }
}
