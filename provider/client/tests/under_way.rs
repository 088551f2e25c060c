//! Several writes under way: their order, what is lost on the way, and where
//! their failures are told.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;
mod front;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use common::nats::{self, shared, stop, unique};
use front::Front;
use larder_core::{DescriptorFlags, ErrorCode, Follow, Limits, OpenFlags, Rights, View, Volume, VolumeOptions};
use larder_nats_client::{NatsStore, Options};
use larder_nats_server::{ServedVolume, Server};
use larder_store_client::{Client, File};
use larder_suite::START;

/// Larger than what is under way at a time.
const LARGE: usize = (6 << 20) + 12_345;

struct World {
    volume: Arc<Volume>,
    front: Arc<Front>,
    server: Option<Server>,
}

impl World {
    fn new(limits: Limits) -> Self {
        let volume = Volume::new(VolumeOptions { limits, now: START, ..VolumeOptions::default() });
        let name = unique("under-way");
        let served = vec![ServedVolume { name: name.clone(), volume: Arc::clone(&volume), writable: true }];
        let server = nats::serve(shared(), served, Arc::new(|| START), Duration::from_secs(30));
        Self { volume, front: Front::of(&name), server: Some(server) }
    }

    /// The root, as a guest of the forwarding variant has it.
    fn root(&self) -> File<NatsStore> {
        let options = Options { deadline: Duration::from_secs(20), ..Options::default() };
        let store = NatsStore::connect(&nats::address(shared(), &self.front.name), options).unwrap();
        let options = larder_store_client::Options { write_behind: true, cache: true };
        Client::new(store, options).roots().unwrap().remove(0).0
    }

    fn content(&self, path: &str) -> Vec<u8> {
        let root = View::new(&self.volume, Rights::READ_WRITE).unwrap().root().unwrap();
        let file = root.open_at(START, Follow::Yes, path, OpenFlags::empty(), DescriptorFlags::READ).unwrap();
        file.read(0, 16 << 20).unwrap().into_bytes().to_vec()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        stop(self.server.take().unwrap());
    }
}

fn create(root: &File<NatsStore>, path: &str) -> File<NatsStore> {
    root.open_at(Follow::Yes, path, OpenFlags::CREATE, DescriptorFlags::WRITE).unwrap()
}

fn pattern() -> Vec<u8> {
    (0..LARGE).map(|index| u8::try_from((index ^ (index >> 13)) % 251).unwrap()).collect()
}

fn write(file: &File<NatsStore>, content: &[u8], piece: usize) -> larder_core::Result<()> {
    for (index, piece_of) in content.chunks(piece).enumerate() {
        file.write((index * piece) as u64, &piece_of)?;
    }
    Ok(())
}

#[test]
fn a_large_file_is_written_with_several_changes_under_way() {
    let world = World::new(Limits::default());
    world.front.delay.store(20, Ordering::SeqCst);
    let root = world.root();
    let content = pattern();
    for (path, piece) in [("small-pieces", 60_000), ("large-pieces", 1 << 20)] {
        let file = create(&root, path);
        write(&file, &content, piece).unwrap();
        file.sync().unwrap();
        assert!(world.content(path) == content, "{path}");
    }
    let most = world.front.most_in_progress.load(Ordering::SeqCst);
    assert!((2..=4).contains(&most), "{most} under way");
}

#[test]
fn what_is_lost_on_the_way_changes_neither_order_nor_content() {
    let world = World::new(Limits::default());
    let root = world.root();
    let content = pattern();
    for (path, lost) in [("requests", &world.front.swallow), ("replies", &world.front.lose)] {
        let file =
            root.open_at(Follow::Yes, path, OpenFlags::CREATE, DescriptorFlags::READ | DescriptorFlags::WRITE).unwrap();
        // The file is created with the first piece.
        file.append(&b"".as_slice()).unwrap();
        file.sync().unwrap();
        lost.store(2, Ordering::SeqCst);
        for piece in content.chunks(100_000) {
            file.append(&piece).unwrap();
        }
        drop(file);
        assert!(world.content(path) == content, "appended once each, in order: {path}");
    }
}

#[test]
fn a_reader_beside_sees_what_was_written_before() {
    let world = World::new(Limits::default());
    world.front.delay.store(20, Ordering::SeqCst);
    let root = world.root();
    let content = pattern();
    let file = create(&root, "file");
    write(&file, &content, 512 << 10).unwrap();
    let reader = root.open_at(Follow::Yes, "file", OpenFlags::empty(), DescriptorFlags::READ).unwrap();
    assert_eq!(root.stat_at(Follow::Yes, "file").unwrap().size, LARGE as u64);
    assert!(reader.read(0, LARGE).unwrap().concat() == content);
}

#[test]
fn a_failure_is_told_when_the_file_is_synced() {
    let world = World::new(Limits { bytes: 3 << 20, ..Limits::default() });
    let root = world.root();
    let other = create(&root, "other");
    other.write(0, &b"other".as_slice()).unwrap();
    let file = create(&root, "file");
    let content = pattern();
    let written = write(&file, &content, 512 << 10).and_then(|()| file.sync());
    assert_eq!(written.unwrap_err().code(), ErrorCode::InsufficientSpace);
    // Told once, and to nobody else.
    other.sync().unwrap();
    file.sync().unwrap();
    assert_eq!(world.content("other"), b"other");
}
