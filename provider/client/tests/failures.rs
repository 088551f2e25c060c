//! What a caller meets when something between it and the volume fails.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;
mod front;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use common::nats::{self, runtime, shared};
use common::world::{LEASE, Session, World, eventually, options, short};
use front::Front;
use larder_core::{ErrorCode, Follow, OpenFlags, SetTime, Timestamp};
use larder_nats_client::{Access, ConnectError, Joined, NatsStore, Options};
use larder_store_service::{
    Call, Change, NewNode, Node, Note, Place, Position, Removal, Store, Target, VERSION, Write,
};
use larder_test_nats::Nats;

/// Neither at once nor much later than the deadline.
fn within_deadline<T>(of: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = of();
    assert!(start.elapsed() < Duration::from_secs(5), "it took {:?}", start.elapsed());
    result
}

fn pattern(length: usize) -> Vec<u8> {
    let byte = |value: usize| u8::try_from(value % 251).unwrap();
    (0..length).map(|index| byte(index) ^ byte(index >> 16)).collect()
}

#[test]
fn no_nats_server_is_said() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("nats://me:secret@127.0.0.1:{port}/data").parse().unwrap();
    let error = within_deadline(|| NatsStore::connect(&address, short())).unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    assert!(!error.to_string().contains("secret") && error.to_string().contains(&port.to_string()), "{error}");
}

#[test]
fn a_server_that_says_nothing_is_unreachable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("nats://{}/data", listener.local_addr().unwrap()).parse().unwrap();
    let error = within_deadline(|| NatsStore::connect(&address, short())).unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
}

#[test]
fn a_volume_that_nobody_serves_is_said() {
    let address = nats::address(shared(), "nobody");
    let error = within_deadline(|| NatsStore::connect(&address, short())).unwrap_err();
    assert!(matches!(error, ConnectError::NotServed { .. }), "{error:?}");
    assert!(error.to_string().contains("/nobody"), "{error}");
}

#[test]
fn a_volume_may_be_served_a_little_later() {
    let mut world = World::new();
    world.stop();
    let address = nats::address(shared(), &world.name);
    let connecting = std::thread::spawn(move || NatsStore::connect(&address, options()).map(drop));
    std::thread::sleep(Duration::from_millis(300));
    world.serve(shared(), LEASE);
    connecting.join().unwrap().unwrap();
}

#[test]
fn a_directory_that_is_not_there_is_said() {
    let world = World::new();
    let address = nats::address(shared(), &format!("{}/nowhere", world.name));
    let error = within_deadline(|| NatsStore::connect(&address, short())).unwrap_err();
    assert!(matches!(error, ConnectError::Directory { code: ErrorCode::NoEntry, .. }), "{error:?}");
}

#[test]
fn credentials_and_permissions_are_nats_own() {
    let nats = Nats::with(
        r#"
        authorization {
            users = [
                { user: provider, password: "p" }
                { user: reader, password: "p",
                  permissions: { publish: ["larder.v1.*.read"], subscribe: ["_INBOX.>"] } }
                { user: stranger, password: "p",
                  permissions: { publish: ["other"], subscribe: ["_INBOX.>"] } }
            ]
        }"#,
    );
    let mut world = World::new();
    world.stop();
    let login = async_nats::ConnectOptions::with_user_and_password("provider".into(), "p".into());
    world.serve_as(&nats.url(), login, LEASE);
    let connect = |login: &str, access| {
        let address = format!("nats://{login}127.0.0.1:{}/{}", nats.port(), world.name).parse().unwrap();
        within_deadline(|| NatsStore::connect(&address, Options { access, ..options() }))
    };
    for login in ["", "reader:wrong@", "nobody:p@"] {
        let error = connect(login, Access::Read).unwrap_err();
        assert!(matches!(error, ConnectError::Refused { .. }), "{login} {error:?}");
    }
    for (login, access) in [("stranger:p@", Access::Read), ("reader:p@", Access::Write)] {
        let error = connect(login, access).unwrap_err();
        assert!(matches!(error, ConnectError::NotPermitted { .. }), "{login} {error:?}");
    }
    let store = connect("reader:p@", Access::Read).unwrap();
    let welcome = store.begin(VERSION).unwrap();
    let root = welcome.mounts[0].root.node;
    let call = Call { session: welcome.session, operation: 1, notes: Vec::new() };
    let made = store.make(&call, Place { directory: root, path: "d" }, NewNode::Directory);
    assert_eq!(made.unwrap_err(), ErrorCode::ReadOnly);
    drop(store);
    world.stop();
}

#[test]
fn a_server_that_goes_away_is_an_input_output_error() {
    let mut world = World::new();
    let session = world.connect(short());
    let node = session.create("file");
    world.stop();
    assert_eq!(within_deadline(|| session.write(node, Position::End, b"x")), Err(ErrorCode::Io));
    assert_eq!(within_deadline(|| session.store.stat(&session.call(), node)), Err(ErrorCode::Io));
    within_deadline(|| drop(session));
}

#[test]
fn nats_may_go_away_and_come_back() {
    let mut nats = Nats::start();
    let mut world = World::new();
    world.stop();
    world.serve(&nats, LEASE);
    let session = Session::new(&nats::address(&nats, &world.name), options());
    let hasty = Session::new(&nats::address(&nats, &world.name), short());
    let node = session.create("file");
    session.write(node, Position::End, b"before").unwrap();
    nats.stop();
    assert_eq!(within_deadline(|| hasty.store.stat(&hasty.call(), hasty.root())), Err(ErrorCode::Io));
    let writing = std::thread::spawn(move || {
        session.write(node, Position::End, b", after").unwrap();
        session
    });
    std::thread::sleep(Duration::from_millis(300));
    nats.start_again();
    let session = writing.join().unwrap();
    assert_eq!(world.content("file"), b"before, after");
    drop((session, hasty));
    world.stop();
}

#[test]
fn a_server_that_was_started_anew_does_not_know_the_session() {
    let mut world = World::new();
    let session = world.connect(options());
    let node = session.create("file");
    world.stop();
    world.serve(shared(), LEASE);
    assert_eq!(within_deadline(|| session.write(node, Position::End, b"x")), Err(ErrorCode::Io));
    // Nobody is asked any more.
    assert_eq!(session.store.stat(&session.call(), node), Err(ErrorCode::Io));
    assert!(world.content("file").is_empty());
    let welcome = session.store.begin(VERSION).unwrap();
    assert_ne!(welcome.session, session.welcome.session);
    let call = Call { session: welcome.session, operation: 1, notes: Vec::new() };
    session.store.stat(&call, welcome.mounts[0].root.node).unwrap();
    assert_eq!(session.store.stat(&session.call(), node), Err(ErrorCode::Io), "what was open is not");
}

#[test]
fn what_is_repeated_is_applied_once() {
    let world = World::new();
    let front = Front::of(&world.name);
    let session = Session::new(&nats::address(shared(), &front.name), options());
    let node = session.create("file");
    let before = front.requests();
    front.lose(1);
    session.write(node, Position::End, b"once").unwrap();
    assert_eq!(world.content("file"), b"once");
    assert_eq!(front.requests(), before + 2);
    front.lose(2);
    session.write(node, Position::End, b" more").unwrap();
    assert_eq!(world.content("file"), b"once more");
    front.lose(1);
    session.store.make(&session.call(), session.at("d"), NewNode::Directory).unwrap();
    front.lose(1);
    session.store.rename(&session.call(), session.at("d"), session.at("e")).unwrap();
    front.lose(1);
    session.store.link(&session.call(), session.at("file"), Follow::No, session.at("e/link")).unwrap();
    front.lose(1);
    session.store.remove(&session.call(), session.at("file"), Removal::File).unwrap();
    front.lose(1);
    session.open("new", OpenFlags::CREATE | OpenFlags::EXCLUSIVE);
    front.swallow.store(1, Ordering::SeqCst);
    session.store.remove(&session.call(), session.at("new"), Removal::File).unwrap();
    assert_eq!(world.content("e/link"), b"once more");
    assert!(!world.exists("d") && !world.exists("file") && !world.exists("new"));
}

#[test]
fn an_error_that_is_lost_is_answered_again() {
    let world = World::new();
    let front = Front::of(&world.name);
    let session = Session::new(&nats::address(shared(), &front.name), options());
    front.lose(1);
    let removed = session.store.remove(&session.call(), session.at("nothing"), Removal::File);
    assert_eq!(removed, Err(ErrorCode::NoEntry));
}

#[test]
fn notes_of_a_repeated_query_are_told_once() {
    let world = World::new();
    let front = Front::of(&world.name);
    let session = Session::new(&nats::address(shared(), &front.name), options());
    let node = session.create("file");
    assert_eq!(session.open("file", OpenFlags::empty()), node, "it is held twice");
    front.lose(1);
    let closed = Note { node, read: false, closed: true };
    session.store.stat(&session.call_with(vec![closed]), session.root()).unwrap();
    session.write(node, Position::End, b"held still").unwrap();
    session.store.settle(&session.call_with(vec![closed]), false).unwrap();
    assert_eq!(session.write(node, Position::End, b"no more"), Err(ErrorCode::BadDescriptor));
}

#[test]
fn an_overloaded_server_is_asked_again() {
    let world = World::new();
    let front = Front::of(&world.name);
    let session = Session::new(&nats::address(shared(), &front.name), options());
    let node = session.create("file");
    front.overload.store(4, Ordering::SeqCst);
    session.write(node, Position::End, b"at last").unwrap();
    assert_eq!(world.content("file"), b"at last");
    let hasty = Session::new(&nats::address(shared(), &front.name), short());
    front.overload.store(usize::MAX, Ordering::SeqCst);
    assert_eq!(within_deadline(|| hasty.store.stat(&hasty.call(), hasty.root())), Err(ErrorCode::Io));
    front.overload.store(0, Ordering::SeqCst);
}

#[test]
fn dropping_a_store_ends_its_session() {
    let world = World::new();
    let session = world.connect(options());
    session.create("file");
    assert_eq!(world.sessions(), 1);
    drop(session);
    eventually("the session ended", || world.sessions() == 0);
}

#[test]
fn beginning_again_ends_the_session_before() {
    let world = World::new();
    let session = world.connect(options());
    let again = session.store.begin(VERSION).unwrap();
    assert_ne!(again.session, session.welcome.session);
    eventually("there is one session", || world.sessions() == 1);
    assert_eq!(session.store.stat(&session.call(), session.root()), Err(ErrorCode::Io));
    assert_eq!(session.store.begin(VERSION + 1), Err(ErrorCode::Unsupported));
}

#[test]
fn a_session_lives_as_long_as_its_store() {
    let world = World::with_lease(Duration::from_millis(600));
    let session = world.connect(options());
    std::thread::sleep(Duration::from_secs(2));
    session.create("file");
    assert_eq!(world.sessions(), 1);
}

#[test]
fn the_lease_ends_the_session_of_a_client_that_is_gone() {
    let world = World::with_lease(Duration::from_millis(600));
    let handles = world.volume.usage().open_handles;
    let front = Front::of(&world.name);
    let session = Session::new(&nats::address(shared(), &front.name), short());
    let node = session.create("file");
    session.write(node, Position::End, &[1; 8192]).unwrap();
    session.store.remove(&session.call(), session.at("file"), Removal::File).unwrap();
    assert_eq!(world.volume.usage().inodes, 2);
    front.cut.store(true, Ordering::SeqCst);
    eventually("the session ended", || world.sessions() == 0);
    eventually("what it held is let go of", || world.volume.usage().inodes == 1);
    assert_eq!(world.volume.usage().open_handles, handles);
    front.cut.store(false, Ordering::SeqCst);
    eventually("the client is told", || session.store.stat(&session.call(), session.root()) == Err(ErrorCode::Io));
}

#[test]
fn calls_come_from_any_thread() {
    let world = World::new();
    let session = Arc::new(world.connect(options()));
    session.create("file");
    let own = Arc::clone(&session);
    runtime().block_on(async move {
        tokio::spawn(async move { own.store.stat(&own.call(), own.root()).map(drop) }).await.unwrap().unwrap();
    });
    let single = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let address = nats::address(shared(), &world.name);
    single.block_on(async {
        let other = Session::new(&address, options());
        other.store.stat(&other.call(), other.root()).unwrap();
        drop(other);
    });
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let session = Arc::clone(&session);
            std::thread::spawn(move || {
                for _ in 0..50 {
                    session.store.stat_at(&session.call(), session.at("file"), Follow::No).unwrap();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_sequential_reader_is_read_ahead_of() {
    let world = World::new();
    let front = Front::of(&world.name);
    let session = Session::new(&nats::address(shared(), &front.name), options());
    let node = session.create("file");
    let content = pattern((5 << 20) + 1234);
    session.fill(node, &content);
    for length in [64 << 10, 100_000, 512 << 10, 1 << 20] {
        front.delay.store(5, Ordering::SeqCst);
        front.most_in_progress.store(0, Ordering::SeqCst);
        let mut read = Vec::new();
        loop {
            let piece = session.read(node, read.len() as u64, length);
            if piece.is_empty() {
                break;
            }
            read.extend_from_slice(&piece);
        }
        assert!(read == content, "with {length} bytes at a time");
        let most = front.most_in_progress.load(Ordering::SeqCst);
        assert!((2..=6).contains(&most), "{most} were in progress");
    }
    // Who jumps gets what is there.
    for offset in [0_u64, 64 << 10, 128 << 10, 1 << 20, 64 << 10, 5 << 20, 0] {
        let piece = session.read(node, offset, 64 << 10);
        let start = usize::try_from(offset).unwrap();
        assert!(piece == content[start..content.len().min(start + (64 << 10))], "at {offset}");
    }
}

#[test]
fn nothing_is_read_ahead_where_that_is_not_wanted() {
    let world = World::new();
    let front = Front::of(&world.name);
    let options = Options { read_ahead: 0, ..options() };
    let session = Session::new(&nats::address(shared(), &front.name), options);
    let node = session.create("file");
    session.fill(node, &pattern(1 << 20));
    let before = front.requests();
    for index in 0..16 {
        session.read(node, index * (64 << 10), 64 << 10);
    }
    assert_eq!(front.requests(), before + 16);
}

#[test]
fn a_read_ahead_that_is_lost_is_read_again() {
    let world = World::new();
    let front = Front::of(&world.name);
    let session = Session::new(&nats::address(shared(), &front.name), options());
    let node = session.create("file");
    let content = pattern(1 << 20);
    session.fill(node, &content);
    let mut read = Vec::new();
    for index in 0..16 {
        if index == 3 {
            front.lose(3);
        }
        read.extend(session.read(node, index * (64 << 10), 64 << 10));
    }
    assert!(read == content);
}

#[test]
fn what_was_read_ahead_is_not_older_than_ones_own_changes() {
    let world = World::new();
    let session = world.connect(options());
    let node = session.create("file");
    session.fill(node, &pattern(2 << 20));
    let length = 64_u32 << 10;
    for index in 0..24_u64 {
        let offset = index * u64::from(length);
        if index % 3 == 2 {
            session.write(node, Position::At(offset), &[7; 1000]).unwrap();
        }
        let read = session.read(node, offset, length);
        assert_eq!(read[..1000] == [7; 1000], index % 3 == 2, "piece {index}");
    }
    let before = session.read(node, 0, length);
    assert_eq!(session.read(node, u64::from(length), length).len(), before.len());
    let change = Change { size: Some(0), ..Change::of(Target::File(session.at("file"))) };
    session.store.commit(&session.call(), &change).unwrap();
    assert!(session.read(node, 2 * u64::from(length), length).is_empty());
}

#[test]
fn a_reader_beside_a_writer_reads_pages_of_both() {
    let world = World::new();
    let (reader, writer) = (world.connect(options()), world.connect(options()));
    let node = writer.create("file");
    writer.fill(node, &vec![0; 4 << 20]);
    let opened = reader.open("file", OpenFlags::empty());
    let writing = std::thread::spawn(move || {
        for round in 1..=8_u8 {
            for piece in 0..8_u64 {
                writer.write(node, Position::At(piece << 19), &vec![round; 512 << 10]).unwrap();
            }
            let change = Change { size: Some(3 << 20), ..Change::of(Target::Node(node)) };
            writer.store.commit(&writer.call(), &change).unwrap();
        }
    });
    while !writing.is_finished() {
        for piece in 0..64_u64 {
            let read = reader.read(opened, piece << 16, 64 << 10);
            assert!(read.iter().all(|byte| *byte <= 8));
        }
    }
    writing.join().unwrap();
    // Opened anew it is as the writer left it.
    let opened = reader.open("file", OpenFlags::empty());
    let read: Vec<u8> = (0..64_u64).flat_map(|piece| reader.read(opened, piece << 16, 64 << 10)).collect();
    assert!(read == vec![8; 3 << 20]);
}

#[test]
fn usage_is_told() {
    let world = World::new();
    let session = world.connect(options());
    let node = session.create("file");
    session.write(node, Position::End, &[1; 10_000]).unwrap();
    let usage = session.store.usage().unwrap();
    assert_eq!((usage.bytes, usage.inodes), (world.volume.usage().bytes, world.volume.usage().inodes));
}

#[test]
fn joined_volumes_of_several_servers_share_nothing() {
    let (one, two) = (World::new(), World::new());
    let store = |world: &World| -> Arc<dyn Store + Send + Sync> {
        Arc::new(NatsStore::connect(&nats::address(shared(), &world.name), options()).unwrap())
    };
    let joined =
        Joined::new(vec![("/".into(), store(&one)), ("/two".into(), store(&two)), ("/one".into(), store(&one))]);
    let welcome = joined.begin(VERSION).unwrap();
    let roots: Vec<_> = welcome.mounts.iter().map(|mount| mount.root.clone()).collect();
    assert_eq!(welcome.mounts.iter().map(|mount| mount.path.as_str()).collect::<Vec<_>>(), ["/", "/two", "/one"]);
    assert_eq!(roots[0].identity, roots[2].identity);
    assert_ne!(roots[0].identity, roots[1].identity);
    assert_eq!(roots.iter().map(|root| root.node.mount).collect::<Vec<_>>(), [0, 1, 2]);
    let place = |mount: usize, path| Place { directory: roots[mount].node, path };
    let mut operation = 0;
    let mut call = || {
        operation += 1;
        Call { session: welcome.session, operation, notes: Vec::new() }
    };
    let made = joined.make(&call(), place(1, "d"), NewNode::Directory).unwrap();
    assert_eq!(made.node.mount, 1);
    let listed = joined.list(&call(), roots[1].node, 0, 10).unwrap();
    assert_eq!((listed.len(), listed[0].attributes.node), (1, made.node));
    assert_eq!(joined.rename(&call(), place(1, "d"), place(0, "d")), Err(ErrorCode::CrossDevice));
    assert_eq!(joined.rename(&call(), place(1, "x"), place(0, "d")), Err(ErrorCode::NoEntry));
    assert_eq!(joined.link(&call(), place(0, "d"), Follow::No, place(2, "d")), Err(ErrorCode::NoEntry));
    let nowhere = Node { mount: 3, ..roots[0].node };
    assert_eq!(joined.stat(&call(), nowhere), Err(ErrorCode::BadDescriptor));
    assert_eq!(joined.stat(&Call { session: 0, ..call() }, roots[0].node), Err(ErrorCode::Io));
    joined.settle(&call(), true).unwrap();
}

#[test]
fn a_time_that_is_none_fails_behind_the_writes() {
    let world = World::new();
    let session = world.connect(options());
    let node = session.create("file");
    let wrong = SetTime::At(Timestamp { seconds: 0, nanoseconds: Timestamp::NANOSECONDS });
    let write = Write { position: Position::End, bytes: b"written" };
    let change = Change { writes: vec![write], modified: wrong, sync: true, ..Change::of(Target::Node(node)) };
    assert_eq!(session.store.commit(&session.call(), &change), Err(ErrorCode::Invalid));
    assert_eq!(world.content("file"), b"written");
    let set = |path| {
        let call = session.call();
        session.store.set_times_at(&call, session.at(path), Follow::Yes, wrong, SetTime::Keep)
    };
    assert_eq!((set("file"), set("nothing")), (Err(ErrorCode::Invalid), Err(ErrorCode::NoEntry)));
}
