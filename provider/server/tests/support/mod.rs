//! A real NATS server, and requests as any client would write them.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::{Client, ConnectOptions};
use larder_core::{ErrorCode, Volume, VolumeOptions};
use larder_nats_server::{ServedVolume, Server, ServerOptions};
use larder_protocol::messages::request::Operation;
use larder_protocol::messages::{
    Attributes, Begin, Call, Commit, Fault, Make, Node, Open, Opened, Place, Read, Remove, Reply, Request, Session,
    Settle, Usage, VolumeUsage, Write, commit, reply, write,
};
pub use larder_test_nats::Nats;
use prost::Message;

pub const CREATE: u32 = 1;
pub const READ: u32 = 1;
pub const WRITE: u32 = 2;

/// Connections of clients.
pub trait Connect {
    async fn connect(&self) -> Client;
    async fn connect_as(&self, user: &str) -> Client;
    async fn connect_with(&self, options: ConnectOptions) -> Client;
}

impl Connect for Nats {
    async fn connect(&self) -> Client {
        self.connect_with(ConnectOptions::new()).await
    }

    async fn connect_as(&self, user: &str) -> Client {
        self.connect_with(ConnectOptions::with_user_and_password(user.into(), format!("{user}-password"))).await
    }

    async fn connect_with(&self, options: ConnectOptions) -> Client {
        options.connect(self.url()).await.unwrap()
    }
}

pub fn wait_for<T>(mut found: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "nothing came of it");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub async fn eventually(mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never held");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn volume() -> Arc<Volume> {
    Volume::new(VolumeOptions::default())
}

pub fn served(name: &str, volume: &Arc<Volume>) -> ServedVolume {
    ServedVolume { name: name.into(), volume: Arc::clone(volume), writable: true }
}

pub async fn serve(nats: &Nats, volume: &Arc<Volume>, options: ServerOptions) -> Server {
    Server::start(nats.connect().await, vec![served("data", volume)], options).await.unwrap()
}

/// One caller of one subject.
#[derive(Clone)]
pub struct Caller {
    pub client: Client,
    pub subject: &'static str,
}

pub fn reader(client: &Client) -> Caller {
    Caller { client: client.clone(), subject: "larder.v1.data.read" }
}

pub fn writer(client: &Client) -> Caller {
    Caller { client: client.clone(), subject: "larder.v1.data.write" }
}

impl Caller {
    pub async fn send(&self, bytes: Vec<u8>) -> Reply {
        let answer = self.client.request(self.subject, bytes.into()).await.unwrap();
        Reply::decode(answer.payload).unwrap()
    }

    pub async fn ask(&self, session: u64, operation: u64, what: Operation) -> Reply {
        self.send(request(session, operation, what)).await
    }

    pub async fn begin(&self, directory: &str) -> Reply {
        let begin = Begin { version: 1, directory: directory.into(), client: "test".into(), ..Begin::default() };
        self.ask(0, 0, Operation::Begin(begin)).await
    }

    /// The session and its root.
    pub async fn session(&self) -> (u64, Node) {
        let session = session(self.begin("").await);
        (session.id, root(&session))
    }

    pub async fn usage(&self, session: u64) -> VolumeUsage {
        match self.ask(session, 0, Operation::Usage(Usage {})).await.result {
            Some(reply::Result::Usage(usage)) => usage,
            other => panic!("{other:?}"),
        }
    }
}

pub fn request(session: u64, operation: u64, what: Operation) -> Vec<u8> {
    let call = Call { session, operation, ..Call::default() };
    Request { call: Some(call), operation: Some(what) }.encode_to_vec()
}

pub fn place(directory: Node, path: &str) -> Option<Place> {
    Some(Place { directory: Some(directory), path: path.into() })
}

pub fn open(directory: Node, path: &str, flags: u32, access: u32) -> Operation {
    Operation::Open(Open { at: place(directory, path), follow: true, flags, access, want: 1024, known: None })
}

pub fn append(directory: Node, path: &str, bytes: &'static [u8], sync: bool) -> Operation {
    let write = Write { position: Some(write::Position::End(true)), bytes: bytes.into() };
    Operation::Commit(Commit {
        target: place(directory, path).map(commit::Target::File),
        writes: vec![write],
        sync,
        ..Commit::default()
    })
}

pub fn read(node: Node) -> Operation {
    Operation::Read(Read { node: Some(node), offset: 0, length: 4096 })
}

pub fn unlink(directory: Node, path: &str) -> Operation {
    Operation::Remove(Remove { at: place(directory, path), directory: false })
}

pub fn make_directory(directory: Node, path: &str) -> Operation {
    Operation::Make(Make { at: place(directory, path), link_target: None })
}

pub const fn settle(sync: bool, end: bool) -> Operation {
    Operation::Settle(Settle { sync, end })
}

pub fn session(reply: Reply) -> Session {
    match reply.result {
        Some(reply::Result::Session(session)) => session,
        other => panic!("{other:?}"),
    }
}

pub fn root(session: &Session) -> Node {
    session.mounts[0].root.as_ref().unwrap().node.unwrap()
}

pub fn opened(reply: Reply) -> Opened {
    match reply.result {
        Some(reply::Result::Opened(opened)) => opened,
        other => panic!("{other:?}"),
    }
}

pub fn node(opened: &Opened) -> Node {
    opened.attributes.as_ref().unwrap().node.unwrap()
}

pub fn attributes(reply: Reply) -> Attributes {
    match reply.result {
        Some(reply::Result::Attributes(attributes)) => attributes,
        other => panic!("{other:?}"),
    }
}

pub fn content(reply: Reply) -> Vec<u8> {
    match reply.result {
        Some(reply::Result::Content(content)) => content.bytes.to_vec(),
        other => panic!("{other:?}"),
    }
}

pub fn done(reply: Reply) {
    assert!(matches!(reply.result, Some(reply::Result::Done(_))), "{reply:?}");
}

#[track_caller]
pub fn failed(reply: Reply, code: ErrorCode) {
    match reply.result {
        Some(reply::Result::Error(number)) => {
            assert_eq!(ErrorCode::ALL.get(number as usize - 1), Some(&code), "{number}");
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub fn refused(reply: Reply, fault: Fault) {
    match reply.result {
        Some(reply::Result::Refusal(refusal)) => assert_eq!(refusal.fault(), fault, "{}", refusal.message),
        other => panic!("{other:?}"),
    }
}

/// A running `larder-provider`; killed with the value.
pub struct Provider {
    process: Child,
}

impl Provider {
    /// Writes the configuration beside what it names, and starts.
    pub fn spawn(directory: &Path, configuration: &str, arguments: &[&str]) -> Self {
        let file = directory.join("provider.toml");
        std::fs::write(&file, configuration).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_larder-provider"))
            .arg("--config")
            .arg(file)
            .args(arguments)
            .env_remove("NATS_URL")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self { process }
    }

    /// Spawned, and ready.
    pub fn start(directory: &Path, configuration: &str, arguments: &[&str]) -> Self {
        let mut provider = Self::spawn(directory, configuration, arguments);
        if !provider.is_ready() {
            panic!("not ready: {}", provider.end().1);
        }
        provider
    }

    /// Waits until it is ready; false where it ended.
    pub fn is_ready(&mut self) -> bool {
        let mut line = String::new();
        BufReader::new(self.process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        line == "ready\n"
    }

    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub fn terminate(self) -> (bool, String) {
        let told = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status().unwrap();
        assert!(told.success());
        self.end()
    }

    /// Waits for its end: whether it succeeded, and what it said.
    pub fn end(mut self) -> (bool, String) {
        let mut said = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.process.wait().unwrap().success(), said)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
