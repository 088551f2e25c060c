//! Volumes over a socket, as the processes on both sides use it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests panic to fail")]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use larder_core::{DescriptorFlags, Durability, ErrorCode, Follow, OpenFlags, Volume, VolumeOptions};
use larder_nats_client::{ConnectError, Options, ServedStore};
use larder_nats_server::ServedVolume;
use larder_socket::{Access, Listening, MOST_CONNECTIONS, Volumes, connect};
use larder_store_service::{
    Call, Change, MAX_TRANSFER, Node, Opening, Place, Position, Store, Target, VERSION, Write as Piece,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The volumes `data`, and `fixed`, which is only read.
struct Process {
    directory: TempDir,
    volume: Arc<Volume>,
    runtime: Runtime,
    listening: Option<Listening>,
}

impl Process {
    fn start() -> Self {
        let volume = Volume::new(VolumeOptions::default());
        let directory = tempfile::tempdir().unwrap();
        let served =
            |name: &str, writable| ServedVolume { name: name.to_owned(), volume: Arc::clone(&volume), writable };
        let volumes = Volumes {
            served: vec![served("data", true), served("fixed", false)],
            elsewhere: [("far".to_owned(), "nats://host/far".to_owned())].into(),
        };
        let listening = Listening::start(&directory.path().join("s.sock"), volumes).unwrap();
        let runtime = Runtime::new().unwrap();
        Self { directory, volume, runtime, listening: Some(listening) }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("s.sock")
    }

    fn store(&self, volume: &str, access: Access) -> Result<ServedStore, ConnectError> {
        let connection = connect(&self.path(), volume, access).unwrap().expect("somebody listens");
        connection.store(&format!("test:{volume}"), Options { access, ..Options::default() })
    }

    fn stop(&mut self) {
        self.runtime.block_on(self.listening.take().unwrap().stop());
    }

    /// Waits until as many handles of the volume are open: each session has
    /// some of its own.
    fn wait_for_handles(&self, handles: u64) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.volume.usage().open_handles != handles {
            assert!(Instant::now() < deadline, "{} and not {handles}", self.volume.usage().open_handles);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A session, and its calls.
struct Session {
    store: ServedStore,
    id: u64,
    root: Node,
    operation: u64,
}

impl Session {
    fn new(store: ServedStore) -> Self {
        let welcome = store.begin(VERSION).unwrap();
        Self { id: welcome.session, root: welcome.mounts[0].root.node, store, operation: 0 }
    }

    fn call(&mut self) -> Call {
        self.operation += 1;
        Call { session: self.id, operation: self.operation, notes: Vec::new() }
    }

    fn write(&mut self, path: &str, bytes: &[u8], later: bool) -> Result<Node, ErrorCode> {
        let call = self.call();
        let at = Place { directory: self.root, path };
        let made = self.store.commit(&call, &Change { size: Some(0), keep: true, ..Change::of(Target::File(at)) })?;
        for (index, piece) in bytes.chunks(MAX_TRANSFER).enumerate() {
            let call = self.call();
            let position = Position::At((index * MAX_TRANSFER) as u64);
            let writes = vec![Piece { position, bytes: piece }];
            self.store.commit(&call, &Change { writes, later, ..Change::of(Target::Node(made.node)) })?;
        }
        Ok(made.node)
    }

    fn read(&mut self, path: &str) -> Result<Vec<u8>, ErrorCode> {
        let call = self.call();
        let at = Place { directory: self.root, path };
        let flags = OpenFlags::empty();
        let how = Opening { follow: Follow::No, flags, access: DescriptorFlags::READ, want: 0, known: None };
        let node = self.store.open(&call, at, how)?.attributes.node;
        let mut bytes = Vec::new();
        loop {
            let call = self.call();
            let content = self.store.read(&call, node, bytes.len() as u64, u32::MAX)?;
            bytes.extend_from_slice(&content.bytes);
            if content.at_end {
                return Ok(bytes);
            }
        }
    }

    fn sync(&mut self) -> Result<(), ErrorCode> {
        let call = self.call();
        self.store.settle(&call, true)
    }
}

#[test]
fn what_one_writes_another_reads() {
    let mut process = Process::start();
    let mut writer = Session::new(process.store("data", Access::Write).unwrap());
    // More than is under way at a time, in both directions.
    let large: Vec<u8> = (0..20 * MAX_TRANSFER + 7).map(|at| u8::try_from(at / 4096 % 251).unwrap()).collect();
    writer.write("small", b"hello", false).unwrap();
    writer.write("large", &large, true).unwrap();
    writer.sync().unwrap();
    let mut reader = Session::new(process.store("data", Access::Read).unwrap());
    assert_eq!(reader.read("small").unwrap(), b"hello");
    assert!(reader.read("large").unwrap() == large);
    assert_eq!(reader.write("small", b"", false), Err(ErrorCode::ReadOnly));
    assert_eq!(reader.store.usage().unwrap().inodes, process.volume.usage().inodes);
    process.stop();
    assert!(connect(&process.path(), "data", Access::Read).unwrap().is_none());
    assert_eq!(std::fs::read_dir(process.directory.path()).unwrap().count(), 0);
    assert_eq!(reader.read("small"), Err(ErrorCode::Io), "the session ended with its server");
}

#[test]
fn whoever_asks_for_another_volume_is_told_which_there_are() {
    let process = Process::start();
    let error = |volume: &str| connect(&process.path(), volume, Access::Read).unwrap_err().to_string();
    assert_eq!(error("other"), "it has no volume `other`: there are data, fixed");
    assert_eq!(error("far"), "its volume `far` is elsewhere: use nats://host/far");
    assert!(error("a.b").contains("subject"));
    let refused = process.store("fixed", Access::Write).unwrap_err();
    assert!(matches!(refused, ConnectError::Directory { code: ErrorCode::ReadOnly, .. }), "{refused}");
    Session::new(process.store("fixed", Access::Read).unwrap());

    let empty = tempfile::tempdir().unwrap();
    let path = empty.path().join("s");
    let _listening = Listening::start(&path, Volumes::default()).unwrap();
    let error = connect(&path, "data", Access::Read).unwrap_err().to_string();
    assert!(error.contains("nor any other"), "{error}");
}

#[test]
fn a_session_ends_with_its_connection() {
    let process = Process::start();
    let before = process.volume.usage().open_handles;
    let session = Session::new(process.store("data", Access::Write).unwrap());
    assert!(process.volume.usage().open_handles > before);
    drop(session);
    process.wait_for_handles(before);

    // A client that dies, with a request on its way.
    let mut raw = UnixStream::connect(process.path()).unwrap();
    send(&mut raw, b"larder.v1.data.write");
    assert_eq!(receive(&mut raw)[..1], [0x4a], "done");
    // Begin, version 1.
    send(&mut raw, &[0x12, 2, 8, 1]);
    let begun = receive(&mut raw);
    assert_eq!(begun[0], 0x1a, "a session");
    assert!(process.volume.usage().open_handles > before);
    // Another one takes its place, and leaves with the connection.
    send(&mut raw, &[0x12, 2, 8, 1]);
    drop(raw);
    process.wait_for_handles(before);
}

#[test]
fn a_connection_that_is_none_ends() {
    let process = Process::start();
    let before = process.volume.usage().open_handles;
    let end = |bytes: &[u8]| {
        let mut raw = UnixStream::connect(process.path()).unwrap();
        send(&mut raw, b"larder.v1.data.read");
        receive(&mut raw);
        raw.write_all(bytes).unwrap();
        raw.shutdown(std::net::Shutdown::Write).unwrap();
        let mut rest = Vec::new();
        raw.read_to_end(&mut rest).unwrap();
        rest
    };
    assert_eq!(end(&u32::MAX.to_be_bytes()), b"", "too long");
    assert_eq!(end(&[0, 0, 0, 9, 1]), b"", "cut");
    // What is no request is refused, and the connection goes on.
    let answers = end(&[0, 0, 0, 1, 0xff, 0, 0, 0, 0]);
    assert!(answers.len() > 8, "{answers:?}");

    let mut raw = UnixStream::connect(process.path()).unwrap();
    send(&mut raw, b"\xff");
    let refusal = receive(&mut raw);
    assert!(String::from_utf8_lossy(&refusal).contains("subject"), "{refusal:?}");
    assert_eq!(raw.read(&mut [0]).unwrap(), 0);
    process.wait_for_handles(before);
}

#[test]
fn connections_are_bounded() {
    let process = Process::start();
    let connected: Vec<_> = (0..MOST_CONNECTIONS)
        .map(|_| connect(&process.path(), "data", Access::Read).unwrap().expect("somebody listens"))
        .collect();
    let error = connect(&process.path(), "data", Access::Read).unwrap_err();
    assert!(error.to_string().contains("too many"), "{error}");
    drop(connected);
    let deadline = Instant::now() + Duration::from_secs(10);
    while connect(&process.path(), "data", Access::Read).is_err() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// `sync` takes a while.
struct Slow;

impl Durability for Slow {
    fn sync(&self, _: &Arc<Volume>) -> larder_core::Result<()> {
        std::thread::sleep(Duration::from_secs(1));
        Ok(())
    }
}

#[test]
fn what_was_asked_before_the_end_is_answered() {
    let mut process = Process::start();
    process.volume.set_durability(Arc::new(Slow)).unwrap();
    let mut session = Session::new(process.store("data", Access::Write).unwrap());
    session.write("x", b"x", false).unwrap();
    let syncs = std::thread::spawn(move || (session.sync(), Instant::now()));
    std::thread::sleep(Duration::from_millis(300));
    process.stop();
    let stopped = Instant::now();
    let (answer, answered) = syncs.join().unwrap();
    assert_eq!(answer, Ok(()));
    assert!(answered < stopped + Duration::from_secs(1));
}

#[test]
fn nobody_is_found_where_nobody_listens() {
    let directory = tempfile::tempdir().unwrap();
    let none = |path: PathBuf| connect(&path, "data", Access::Read).unwrap().is_none();
    assert!(none(directory.path().join("s")));
    assert!(none(directory.path().join("none/s")));
    assert!(none(directory.path().join("x".repeat(200))));
    drop(std::os::unix::net::UnixListener::bind(directory.path().join("left")).unwrap());
    assert!(none(directory.path().join("left")));
}

fn send(to: &mut UnixStream, message: &[u8]) {
    to.write_all(&u32::try_from(message.len()).unwrap().to_be_bytes()).unwrap();
    to.write_all(message).unwrap();
}

fn receive(from: &mut UnixStream) -> Vec<u8> {
    let mut length = [0; 4];
    from.read_exact(&mut length).unwrap();
    let mut message = vec![0; u32::from_be_bytes(length) as usize];
    from.read_exact(&mut message).unwrap();
    message
}
