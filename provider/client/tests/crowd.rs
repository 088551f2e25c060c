//! A thousand clients of one server at a time.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_nats::Client;
use common::nats::{address, runtime, shared};
use common::world::{PATIENCE, World, eventually};
use larder_core::{DescriptorFlags, Follow, OpenFlags};
use larder_nats_client::{Access, NatsStore, Options};
use larder_protocol::messages::request::Operation;
use larder_protocol::messages::{Begin, Call, Commit, Place, Reply, Request, Settle, Write, commit, reply, write};
use larder_store_client::File;
use prost::Message;

const CLIENTS: usize = 1000;

/// Those that are busy at a time: each holds a thread.
const AT_A_TIME: usize = 32;

/// Files that a `NatsStore` has open: its connection and what it waits with.
const FILES_OF_A_STORE: usize = 8;

/// How many may be a `NatsStore`: the system allows a process so many files.
fn stores() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let limit = limit.and_then(|rest| rest.split_whitespace().next()?.parse::<usize>().ok()).unwrap_or(256);
    (limit.saturating_sub(200) / FILES_OF_A_STORE).min(CLIENTS)
}

/// The results for the numbers from 0, worked out by a few threads.
fn few_at_a_time<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut results = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return results;
            }
            results.push(work(number));
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    })
}

fn connect(world: &World) -> File<NatsStore> {
    let options = Options { deadline: PATIENCE, ..Options::default() };
    let store = NatsStore::connect(&address(shared(), &world.name), options).unwrap();
    let client =
        larder_store_client::Client::new(store, larder_store_client::Options { write_behind: true, cache: true });
    client.roots().unwrap().remove(0).0
}

/// The same by the messages alone, where threads or files do not suffice.
struct Raw {
    nats: Client,
    subject: String,
    session: u64,
}

impl Raw {
    async fn ask(&self, operation: u64, what: Operation) -> reply::Result {
        let call = Call { session: self.session, operation, ..Call::default() };
        let bytes = Request { call: Some(call), operation: Some(what) }.encode_to_vec();
        let request = async_nats::Request::new().payload(bytes.into()).timeout(Some(PATIENCE));
        let answer = self.nats.send_request(self.subject.clone(), request).await.unwrap();
        Reply::decode(answer.payload).unwrap().result.unwrap()
    }

    async fn begin(nats: Client, volume: &str, number: usize) -> Self {
        let mut raw = Self { nats, subject: larder_protocol::subject(volume, Access::Write), session: 0 };
        let begin = Begin { version: 1, directory: String::new(), client: "crowd".into(), ..Begin::default() };
        let reply::Result::Session(session) = raw.ask(0, Operation::Begin(begin)).await else {
            panic!("no session for {number}")
        };
        raw.session = session.id;
        let directory = session.mounts.first().and_then(|mount| mount.root?.node);
        let write = Write { position: Some(write::Position::End(true)), bytes: "content".into() };
        let place = Place { directory, path: format!("file-{number}") };
        let commit = Commit { target: Some(commit::Target::File(place)), writes: vec![write], ..Commit::default() };
        let written = raw.ask(1, Operation::Commit(commit)).await;
        assert!(matches!(written, reply::Result::Attributes(_)), "{written:?}");
        raw
    }

    async fn end(self) {
        let ended = self.ask(0, Operation::Settle(Settle { sync: false, end: true })).await;
        assert!(matches!(ended, reply::Result::Done(_)), "{ended:?}");
    }
}

#[test]
fn a_thousand_clients_are_served_and_leave_nothing_behind() {
    let world = World::with_lease(Duration::from_secs(600));
    let before = world.volume.usage();
    let roots = few_at_a_time(stores(), |_| connect(&world));
    let others = runtime().block_on(async {
        let nats = async_nats::connect(shared().url()).await.unwrap();
        let mut others = Vec::new();
        for number in roots.len()..CLIENTS {
            others.push(Raw::begin(nats.clone(), &world.name, number).await);
        }
        others
    });
    assert_eq!(world.sessions(), CLIENTS);
    few_at_a_time(roots.len(), |number| {
        let (root, path) = (roots.get(number).unwrap(), format!("file-{number}"));
        let access = DescriptorFlags::READ | DescriptorFlags::WRITE;
        let file = root.open_at(Follow::No, &path, OpenFlags::CREATE, access).unwrap();
        file.append(&"content".as_bytes()).unwrap();
        file.sync().unwrap();
        let again = root.open_at(Follow::No, &path, OpenFlags::empty(), DescriptorFlags::READ).unwrap();
        assert_eq!(again.read(0, 100).unwrap().concat(), b"content");
        // Everybody's name is there for everybody, sooner or later.
        assert!(!root.read_directory(0, 10).unwrap().is_empty());
    });
    assert_eq!(world.sessions(), CLIENTS);
    assert_eq!(world.volume.usage().inodes, before.inodes + CLIENTS as u64);
    let roots = std::sync::Mutex::new(roots);
    few_at_a_time(AT_A_TIME, |_| while roots.lock().unwrap().pop().map(drop).is_some() {});
    runtime().block_on(async {
        for other in others {
            other.end().await;
        }
    });
    eventually("all sessions ended", || world.sessions() == 0);
    assert_eq!(world.volume.usage().open_handles, before.open_handles);
    assert_eq!(world.volume.usage(), world.volume.recount());
}
