//! A client whose process is killed: the lease ends its session, and what only
//! that held is freed.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(unix)]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::nats::{address, shared};
use common::world::{PATIENCE, World, eventually};
use larder_core::{DescriptorFlags, Follow, OpenFlags};
use larder_nats_client::{NatsStore, Options};
use larder_store_client::{Client, File};

/// Where the process that is to be killed finds the volume.
const ADDRESS: &str = "LARDER_TEST_KILLED";

const HOLDS: &str = "it holds the file";

fn open(address: &str) -> (File<NatsStore>, File<NatsStore>) {
    let options = Options { deadline: PATIENCE, ..Options::default() };
    let store = NatsStore::connect(&address.parse().unwrap(), options).unwrap();
    let client = Client::new(store, larder_store_client::Options { write_behind: true, cache: true });
    let root = client.roots().unwrap().remove(0).0;
    let access = DescriptorFlags::READ | DescriptorFlags::WRITE;
    let file = root.open_at(Follow::No, "file", OpenFlags::CREATE, access).unwrap();
    (root, file)
}

/// What the process does; nothing in the test's own.
#[test]
fn the_process_that_is_killed() {
    let Ok(address) = std::env::var(ADDRESS) else { return };
    let (root, file) = open(&address);
    file.write(0, &&[1; 100_000][..]).unwrap();
    file.sync().unwrap();
    root.unlink_file_at("file").unwrap();
    file.append(&"still there".as_bytes()).unwrap();
    file.sync().unwrap();
    writeln!(std::io::stderr(), "{HOLDS}").unwrap();
    std::thread::sleep(PATIENCE * 2);
}

#[test]
fn what_a_killed_client_held_is_freed_after_its_lease() {
    let world = World::with_lease(Duration::from_secs(2));
    let before = world.volume.usage();
    let address = address(shared(), &world.name).to_string();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_process_that_is_killed", "--nocapture", "--test-threads=1"])
        .env(ADDRESS, &address)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains(HOLDS)), "the process ended early");
    assert_eq!(world.sessions(), 1);
    let held = world.volume.usage();
    assert_eq!(held.inodes, before.inodes + 1);
    assert!(held.bytes >= before.bytes + 100_000);
    // It is kept alive beyond the lease as long as the process lives.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(world.volume.usage(), held);
    child.kill().unwrap();
    child.wait().unwrap();
    eventually("the session ended", || world.sessions() == 0);
    eventually("the file is freed", || world.volume.usage() == before);
    assert_eq!(world.volume.usage(), world.volume.recount());
    // Others are served as before.
    let (_root, file) = open(&address);
    file.append(&"new".as_bytes()).unwrap();
    file.sync().unwrap();
    assert_eq!(world.content("file"), b"new");
}
