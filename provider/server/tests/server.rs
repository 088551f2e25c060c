//! The server as its callers meet it: requests, rights, bounds, leases, and
//! its end.

mod support;

use std::sync::Arc;
use std::time::Duration;

use larder_core::{Durability, ErrorCode, Limits, Volume, VolumeOptions};
use larder_nats_server::{MOST_QUEUED, ServedVolume, Server, ServerOptions};
use larder_protocol::messages::request::Operation;
use larder_protocol::messages::{Begin, Fault, List, Node, Open, Place, Reply, Request, reply, session};
use parking_lot::{Condvar, Mutex};
use prost::Message;

use support::{
    CREATE, Connect as _, Nats, READ, WRITE, append, attributes, content, done, eventually, failed, make_directory,
    node, open, opened, read, reader, refused, request, root, serve, served, session, settle, unlink, volume, writer,
};

/// `sync` waits while the gate is shut.
#[derive(Default)]
struct Waiting {
    shut: Mutex<bool>,
    opened: Condvar,
}

/// Opens the gate when dropped.
struct Shut(Arc<Waiting>);

impl Waiting {
    fn shut(self: &Arc<Self>) -> Shut {
        *self.shut.lock() = true;
        Shut(Arc::clone(self))
    }
}

impl Drop for Shut {
    fn drop(&mut self) {
        *self.0.shut.lock() = false;
        self.0.opened.notify_all();
    }
}

impl Durability for Waiting {
    fn sync(&self, _: &Arc<Volume>) -> larder_core::Result<()> {
        self.opened.wait_while(&mut self.shut.lock(), |shut| *shut);
        Ok(())
    }
}

#[tokio::test]
async fn beginning_may_open_on_the_way() {
    let nats = Nats::start();
    let volume = volume();
    let server = serve(&nats, &volume, ServerOptions::default()).await;
    let client = nats.connect().await;
    let writer = writer(&client);
    let (writing, top) = writer.session().await;
    attributes(writer.ask(writing, 1, append(top, "file", b"content", false)).await);

    let begin = async |directory: Option<Node>, path: &str, flags: u32| {
        let at = Some(Place { directory, path: path.to_owned() });
        let open = Some(Open { at, flags, access: READ, want: 100, follow: true, ..Open::default() });
        let begin = Operation::Begin(Begin { version: 1, open, ..Begin::default() });
        writer.send(Request { call: None, operation: Some(begin) }.encode_to_vec()).await
    };
    let begun = session(begin(None, "file", 0).await);
    let Some(session::Open::Opened(opened)) = begun.open else { panic!("{:?}", begun.open) };
    assert_eq!(opened.content.clone().unwrap().bytes, b"content"[..]);
    // It was the session's operation 1, and holds the file.
    assert_eq!(content(writer.ask(begun.id, 2, read(node(&opened))).await), b"content");
    let missing = session(begin(None, "missing", 0).await);
    assert!(matches!(missing.open, Some(session::Open::Error(21))), "{:?}", missing.open);
    attributes(writer.ask(missing.id, 2, append(root(&missing), "file", b"!", false)).await);
    for (directory, flags) in [(None, CREATE), (Some(top), 0)] {
        refused(begin(directory, "file", flags).await, Fault::BadRequest);
    }
    server.shutdown().await;
}

#[tokio::test]
async fn what_one_session_writes_another_reads() {
    let nats = Nats::start();
    let volume = volume();
    let server = serve(&nats, &volume, ServerOptions::default()).await;
    let client = nats.connect().await;

    let writer = writer(&client);
    let (writing, top) = writer.session().await;
    let written = attributes(writer.ask(writing, 1, append(top, "greeting", b"hello", false)).await);
    assert_eq!(written.size, 5);

    let reader = reader(&client);
    let (reading, top) = reader.session().await;
    let opened = opened(reader.ask(reading, 1, open(top, "greeting", 0, READ)).await);
    assert_eq!(
        opened.content.as_ref().map(|content| (&content.bytes[..], content.at_end)),
        Some((&b"hello"[..], true))
    );
    assert_eq!(content(reader.ask(reading, 2, read(node(&opened))).await), b"hello");
    // The same file is the same to both.
    let seen = opened.attributes.unwrap();
    assert_eq!((seen.identity_lower, seen.identity_upper), (written.identity_lower, written.identity_upper));
    assert_eq!(server.sessions(), 2);
    assert_eq!(server.changes("data"), Some(1));
    assert!(reader.usage(reading).await.bytes > 0);
    server.shutdown().await;
    assert_eq!(volume.usage().open_handles, 0);
}

#[tokio::test]
async fn a_session_on_read_changes_nothing_and_counts_on_no_other_subject() {
    let nats = Nats::start();
    let volume = volume();
    let served = ["data", "other"].map(|name| served(name, &volume)).to_vec();
    let _server = Server::start(nats.connect().await, served, ServerOptions::default()).await.unwrap();
    let client = nats.connect().await;
    let (reader, writer) = (reader(&client), writer(&client));

    let (writing, top) = writer.session().await;
    attributes(writer.ask(writing, 1, append(top, "file", b"x", false)).await);
    let (reading, top) = reader.session().await;
    failed(reader.ask(reading, 1, append(top, "file", b"y", false)).await, ErrorCode::ReadOnly);
    failed(reader.ask(reading, 2, open(top, "new", CREATE, READ)).await, ErrorCode::ReadOnly);
    failed(reader.ask(reading, 3, unlink(top, "file")).await, ErrorCode::ReadOnly);
    failed(reader.ask(reading, 4, make_directory(top, "new")).await, ErrorCode::ReadOnly);

    // Neither lends itself to the other's subject, nor to another volume's.
    refused(writer.ask(reading, 5, append(top, "file", b"y", false)).await, Fault::NoSession);
    refused(reader.ask(writing, 5, settle(false, false)).await, Fault::NoSession);
    let other = support::Caller { client: client.clone(), subject: "larder.v1.other.write" };
    refused(other.ask(writing, 5, settle(false, false)).await, Fault::NoSession);
    for wrong in [0, 1, reading ^ 1, u64::MAX] {
        refused(reader.ask(wrong, 1, settle(false, false)).await, Fault::NoSession);
    }
    done(reader.ask(reading, 0, settle(false, false)).await);
}

#[tokio::test]
async fn a_session_sees_its_directory_and_nothing_else() {
    let nats = Nats::start();
    let volume = volume();
    let _server = serve(&nats, &volume, ServerOptions::default()).await;
    let writer = writer(&nats.connect().await);
    let (all, top) = writer.session().await;
    attributes(writer.ask(all, 1, make_directory(top, "apps")).await);
    attributes(writer.ask(all, 2, make_directory(top, "apps/one")).await);
    attributes(writer.ask(all, 3, append(top, "secret", b"s", false)).await);

    let one = session(writer.begin("apps/one").await);
    let inside = root(&one);
    attributes(writer.ask(one.id, 1, append(inside, "mine", b"m", false)).await);
    for path in ["../../secret", "/secret", "../.."] {
        let reply = writer.ask(one.id, 0, open(inside, path, 0, READ)).await;
        assert!(matches!(reply.result, Some(reply::Result::Error(_))), "{path}: {reply:?}");
    }
    opened(writer.ask(all, 0, open(top, "apps/one/mine", 0, READ)).await);
    failed(writer.begin("missing").await, ErrorCode::NoEntry);
    failed(writer.begin("secret").await, ErrorCode::NotDirectory);
    let outside = writer.begin("apps/../../..").await;
    assert!(matches!(outside.result, Some(reply::Result::Error(_))), "{outside:?}");
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_the_server_serves_on() {
    let nats = Nats::start();
    let volume = volume();
    let _server = serve(&nats, &volume, ServerOptions::default()).await;
    let client = nats.connect().await;
    let writer = writer(&client);
    let (writing, top) = writer.session().await;
    let good = request(writing, 1, append(top, "file", b"content", false));

    for garbage in [&b"\x0a"[..], b"\xff\xff\xff\xff\xff", b"GET / HTTP/1.1", &[0x0a; 4096]] {
        refused(writer.send(garbage.to_vec()).await, Fault::BadRequest);
    }
    for length in 0..good.len() {
        let reply = writer.send(good[..length].to_vec()).await;
        assert!(
            matches!(reply.result, Some(reply::Result::Refusal(_) | reply::Result::Error(_))),
            "{length}: {reply:?}"
        );
    }
    // Bits flipped: any answer, but an answer.
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 0x55;
        writer.send(bytes).await;
    }
    let version = Begin { version: 99, ..Begin::default() };
    refused(writer.ask(0, 0, Operation::Begin(version)).await, Fault::Unsupported);
    // Without a reply subject, or with one that steers others, nothing is done.
    client.publish("larder.v1.data.write", request(writing, 2, make_directory(top, "silent")).into()).await.unwrap();
    for steered in ["$SRV.PING", "larder.v1.data.write"] {
        let bytes = request(writing, 2, make_directory(top, "silent"));
        client.publish_with_reply("larder.v1.data.write", steered, bytes.into()).await.unwrap();
    }
    failed(writer.ask(writing, 900, open(top, "silent", 0, READ)).await, ErrorCode::NoEntry);
    attributes(writer.ask(writing, 1000, append(top, "last", b"content", false)).await);
}

#[tokio::test]
async fn a_larger_request_than_allowed_is_refused() {
    let nats = Nats::with("max_payload: 4MB");
    let volume = volume();
    let _server = serve(&nats, &volume, ServerOptions::default()).await;
    let client = nats.connect().await;
    let writer = writer(&client);
    refused(writer.send(vec![0; larder_protocol::MOST_REQUEST_BYTES + 1]).await, Fault::BadRequest);
    writer.session().await;
}

#[tokio::test]
async fn the_server_starts_only_where_it_can_serve() {
    let small = Nats::with("max_payload: 64KB");
    let volume = volume();
    let start = async |nats: &Nats, volumes| {
        let started = Server::start(nats.connect().await, volumes, ServerOptions::default()).await;
        started.err().map(|error| format!("{error:#}")).unwrap_or_default()
    };
    let error = start(&small, vec![served("data", &volume)]).await;
    assert!(error.contains("65536") && error.contains("max_payload"), "{error}");

    let nats = Nats::start();
    let error = start(&nats, vec![served("data", &volume), served("data", &volume)]).await;
    assert!(error.contains("two volumes are called `data`"), "{error}");
    let error = start(&nats, vec![served("da.ta", &volume)]).await;
    assert!(error.contains("`da.ta` cannot be the name"), "{error}");

    let server = serve(&nats, &volume, ServerOptions::default()).await;
    let error = start(&nats, vec![served("data", &volume)]).await;
    assert!(error.contains("served already"), "{error}");
    server.shutdown().await;
    assert_eq!(start(&nats, vec![served("data", &volume)]).await, "");
}

#[tokio::test]
async fn a_volume_that_is_only_read_begins_no_session_that_writes() {
    let nats = Nats::start();
    let volume = volume();
    let only_read = ServedVolume { writable: false, ..served("data", &volume) };
    let _server = Server::start(nats.connect().await, vec![only_read], ServerOptions::default()).await.unwrap();
    let client = nats.connect().await;
    failed(writer(&client).begin("").await, ErrorCode::ReadOnly);
    reader(&client).session().await;
}

#[tokio::test]
async fn an_ended_lease_frees_what_the_session_held() {
    let nats = Nats::start();
    let volume = volume();
    let options = ServerOptions { lease: Duration::from_millis(1500), ..ServerOptions::default() };
    let server = serve(&nats, &volume, options).await;
    let writer = writer(&nats.connect().await);
    let before = volume.usage();
    let begun = session(writer.begin("").await);
    assert_eq!(begun.lease_milliseconds, 1500);
    let (id, top) = (begun.id, root(&begun));
    opened(writer.ask(id, 1, open(top, "gone", CREATE, READ | WRITE)).await);
    attributes(writer.ask(id, 2, append(top, "gone", &[1; 10_000], false)).await);
    done(writer.ask(id, 3, unlink(top, "gone")).await);
    assert_eq!(volume.usage().inodes, before.inodes + 1);
    // Kept alive, it holds the file beyond the lease.
    for _ in 0..7 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        done(writer.ask(id, 0, settle(false, false)).await);
    }
    assert_eq!(volume.usage().inodes, before.inodes + 1);
    eventually(async || volume.usage() == before).await;
    assert_eq!(server.sessions(), 0);
    refused(writer.ask(id, 4, settle(false, false)).await, Fault::NoSession);
}

#[tokio::test]
async fn an_ended_session_is_gone_when_that_is_answered() {
    let nats = Nats::start();
    let volume = volume();
    let server = serve(&nats, &volume, ServerOptions::default()).await;
    let writer = writer(&nats.connect().await);
    let before = volume.usage().open_handles;
    for _ in 0..20 {
        let (id, top) = writer.session().await;
        opened(writer.ask(id, 1, open(top, "file", CREATE, READ)).await);
        done(writer.ask(id, 0, settle(true, true)).await);
        assert_eq!((volume.usage().open_handles, server.sessions()), (before, 0));
        refused(writer.ask(id, 2, settle(false, true)).await, Fault::NoSession);
    }
}

#[tokio::test]
async fn a_repeated_change_is_applied_once() {
    let nats = Nats::start();
    let waiting = Arc::new(Waiting::default());
    let volume = volume();
    volume.set_durability(Arc::clone(&waiting) as Arc<dyn Durability>).unwrap();
    let _server = serve(&nats, &volume, ServerOptions::default()).await;
    let writer = writer(&nats.connect().await);
    let (id, top) = writer.session().await;
    let first = attributes(writer.ask(id, 1, append(top, "log", b"once", false)).await);
    assert_eq!(attributes(writer.ask(id, 1, append(top, "log", b"once", false)).await), first);

    // Also while the first is still carried out.
    let gate = waiting.shut();
    let again = || {
        let writer = writer.clone();
        tokio::spawn(async move { attributes(writer.ask(id, 2, append(top, "log", b"twice", true)).await) })
    };
    let calls = [again(), again(), again()];
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(calls.iter().all(|call| !call.is_finished()));
    drop(gate);
    for call in calls {
        assert_eq!(call.await.unwrap().size, 9);
    }
    let opened = opened(writer.ask(id, 0, open(top, "log", 0, READ)).await);
    assert_eq!(&opened.content.unwrap().bytes[..], b"oncetwice");
}

#[tokio::test]
async fn requests_of_a_session_are_carried_out_as_they_came() {
    let nats = Nats::start();
    let volume = volume();
    let _server = serve(&nats, &volume, ServerOptions::default()).await;
    let client = nats.connect().await;
    let writer = writer(&client);
    let (id, top) = writer.session().await;
    const LETTERS: &[u8; 26] = b"abcdefghijklmnopqrstuvwxyz";
    for round in 0..20_u64 {
        for (number, letter) in (1..).zip(LETTERS.chunks(1)) {
            let bytes = request(id, round * 26 + number, append(top, "log", letter, false));
            client.publish_with_reply(writer.subject, "ignored", bytes.into()).await.unwrap();
        }
        done(writer.ask(id, 0, settle(false, false)).await);
    }
    let opened = opened(writer.ask(id, 0, open(top, "log", 0, READ)).await);
    assert_eq!(&opened.content.unwrap().bytes[..], LETTERS.repeat(20));
}

#[tokio::test]
async fn bounds_are_kept_and_what_exceeds_them_can_be_tried_again() {
    let nats = Nats::start();
    let waiting = Arc::new(Waiting::default());
    let volume = volume();
    volume.set_durability(Arc::clone(&waiting) as Arc<dyn Durability>).unwrap();
    let options = ServerOptions { most_sessions: 3, most_in_progress: 80, ..ServerOptions::default() };
    let server = serve(&nats, &volume, options).await;
    let client = nats.connect().await;
    let (reader, writer) = (reader(&client), writer(&client));

    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(writer.session().await);
    }
    refused(writer.begin("").await, Fault::Overloaded);
    refused(reader.begin("").await, Fault::Overloaded);
    done(writer.ask(sessions.pop().unwrap().0, 0, settle(false, true)).await);
    sessions.push(writer.session().await);
    assert_eq!(server.sessions(), 3);

    let gate = waiting.shut();
    let wait = |id, operation| {
        let writer = writer.clone();
        tokio::spawn(async move { writer.ask(id, operation, settle(true, false)).await })
    };
    let calls: Vec<_> = (0..MOST_QUEUED).map(|_| wait(sessions[0].0, 0)).collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    refused(writer.ask(sessions[0].0, 0, settle(false, false)).await, Fault::Overloaded);
    // Others are served meanwhile, up to the bound of all.
    done(writer.ask(sessions[1].0, 0, settle(false, false)).await);
    let more: Vec<_> = (0..80 - MOST_QUEUED).map(|_| wait(sessions[1].0, 0)).collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    refused(writer.ask(sessions[2].0, 0, settle(false, false)).await, Fault::Overloaded);
    drop(gate);
    for call in calls.into_iter().chain(more) {
        done(call.await.unwrap());
    }
    done(writer.ask(sessions[2].0, 0, settle(false, false)).await);
}

#[tokio::test]
async fn a_brief_session_makes_room_when_it_is_silent_and_holds_nothing() {
    let nats = Nats::start();
    let volume = volume();
    let options = ServerOptions { most_sessions: 2, ..ServerOptions::default() };
    let server = serve(&nats, &volume, options).await;
    let writer = writer(&nats.connect().await);
    let brief = || async {
        let begin = Begin { version: 1, brief: true, ..Begin::default() };
        writer.ask(0, 0, Operation::Begin(begin)).await
    };
    let (holds, top) = {
        let session = session(brief().await);
        (session.id, root(&session))
    };
    opened(writer.ask(holds, 1, open(top, "open", CREATE, READ | WRITE)).await);
    let first = session(brief().await);
    // Neither is silent for long.
    refused(brief().await, Fault::Overloaded);
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let second = session(brief().await);
    assert_eq!(server.sessions(), 2);
    refused(writer.ask(first.id, 0, settle(false, false)).await, Fault::NoSession);
    // What has something open stays.
    done(writer.ask(holds, 0, settle(false, false)).await);
    done(writer.ask(second.id, 0, settle(false, false)).await);
}

#[tokio::test]
async fn shutting_down_answers_what_was_accepted_and_refuses_the_rest() {
    let nats = Nats::start();
    let waiting = Arc::new(Waiting::default());
    let volume = volume();
    volume.set_durability(Arc::clone(&waiting) as Arc<dyn Durability>).unwrap();
    let server = serve(&nats, &volume, ServerOptions::default()).await;
    let writer = writer(&nats.connect().await);
    let (id, top) = writer.session().await;

    let gate = waiting.shut();
    let call = {
        let writer = writer.clone();
        tokio::spawn(async move { writer.ask(id, 1, append(top, "file", b"kept", true)).await })
    };
    tokio::time::sleep(Duration::from_millis(100)).await;
    let ending = tokio::spawn(server.shutdown());
    tokio::time::sleep(Duration::from_millis(100)).await;
    refused(writer.ask(id, 2, settle(false, false)).await, Fault::Ending);
    refused(writer.begin("").await, Fault::Ending);
    assert!(!ending.is_finished());
    drop(gate);
    assert_eq!(attributes(call.await.unwrap()).size, 4);
    ending.await.unwrap();
    assert_eq!(volume.usage().open_handles, 0);
    let gone = writer.client.request(writer.subject, Vec::new().into()).await;
    assert!(gone.is_err(), "{gone:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_sessions_at_a_time() {
    let nats = Nats::start();
    let volume = volume();
    let server = serve(&nats, &volume, ServerOptions::default()).await;
    let before = volume.usage().open_handles;
    let client = nats.connect().await;
    let all_there = Arc::new(tokio::sync::Barrier::new(1001));
    let callers: Vec<_> = (0..1000)
        .map(|number| {
            let (writer, all_there) = (writer(&client), Arc::clone(&all_there));
            tokio::spawn(async move {
                let (id, top) = writer.session().await;
                all_there.wait().await;
                all_there.wait().await;
                let path = format!("file-{number}");
                attributes(writer.ask(id, 1, append(top, &path, b"content", false)).await);
                let opened = opened(writer.ask(id, 2, open(top, &path, 0, READ)).await);
                assert_eq!(content(writer.ask(id, 3, read(node(&opened))).await), b"content");
                done(writer.ask(id, 4, settle(false, true)).await);
            })
        })
        .collect();
    all_there.wait().await;
    assert_eq!(server.sessions(), 1000);
    all_there.wait().await;
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!((server.sessions(), volume.usage().open_handles), (0, before));
    assert_eq!(volume.usage().inodes, 1001);
}

#[tokio::test]
async fn a_listing_fits_into_a_message_whatever_the_names() {
    let nats = Nats::start();
    let limits = Limits { name_bytes: 4096, path_bytes: 8192, ..Limits::default() };
    let volume = Volume::new(VolumeOptions { limits, ..VolumeOptions::default() });
    let _server = serve(&nats, &volume, ServerOptions::default()).await;
    let writer = writer(&nats.connect().await);
    let (id, top) = writer.session().await;
    for number in 0..600_u64 {
        let name = format!("{number}-{}", "n".repeat(4000));
        attributes(writer.ask(id, number + 1, make_directory(top, &name)).await);
    }
    let (mut names, mut after) = (0, 0);
    loop {
        let list = List { directory: Some(top), after, most: 1024 };
        let Some(reply::Result::Entries(entries)) = writer.ask(id, 0, Operation::List(list)).await.result else {
            panic!("no listing")
        };
        let Some(last) = entries.entries.last() else { break };
        after = last.cookie;
        names += entries.entries.len();
    }
    assert_eq!(names, 600);
}

#[tokio::test]
async fn the_server_is_found_among_the_services() {
    let nats = Nats::start();
    let volume = volume();
    let _server = serve(&nats, &volume, ServerOptions::default()).await;
    let client = nats.connect().await;
    reader(&client).session().await;
    let ask = async |subject: &'static str| {
        let answer = client.request(subject, Vec::new().into()).await.unwrap();
        serde_json::from_slice::<serde_json::Value>(&answer.payload).unwrap()
    };
    assert_eq!(ask("$SRV.PING.larder").await["name"], "larder");
    let info = ask("$SRV.INFO.larder").await;
    assert_eq!((&info["version"], &info["metadata"]["volumes"]), (&env!("CARGO_PKG_VERSION").into(), &"data".into()));
    let endpoint = |value: &serde_json::Value| {
        let endpoints = value["endpoints"].as_array().unwrap().clone();
        assert_eq!(endpoints.len(), 2);
        endpoints.into_iter().find(|endpoint| endpoint["name"] == "data-read").unwrap()
    };
    let read = endpoint(&info);
    assert_eq!((&read["subject"], &read["metadata"]["volume"]), (&"larder.v1.data.read".into(), &"data".into()));
    let statistics = endpoint(&ask("$SRV.STATS.larder").await);
    assert_eq!((&statistics["num_requests"], &statistics["data"]["sessions"]), (&1.into(), &1.into()));
}

#[tokio::test]
async fn nats_that_comes_back_is_served_again_and_sessions_are_still_there() {
    let mut nats = Nats::start();
    let volume = volume();
    let options = ServerOptions { lease: Duration::from_secs(1), ..ServerOptions::default() };
    let server = serve(&nats, &volume, options).await;
    let writer = writer(&nats.connect().await);
    let (id, top) = writer.session().await;
    attributes(writer.ask(id, 1, append(top, "file", b"a", false)).await);
    nats.stop();
    // Longer than the lease, which does not run: nobody could be heard.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(server.sessions(), 1);
    nats.start_again();
    let bytes = request(id, 2, append(top, "file", b"b", false));
    eventually(async || {
        let answer = writer.client.request(writer.subject, bytes.clone().into()).await;
        answer.is_ok_and(|answer| attributes(Reply::decode(answer.payload).unwrap()).size == 2)
    })
    .await;
}
